"""A Chainlit app without a model: it answers with what it was told, and remembers.

    varve serve                                         # in one terminal
    CHAINLIT_AUTH_SECRET=change-me chainlit run app.py  # in another; log in as ada, with any password
"""

import chainlit as cl

from varve.chainlit import VarveDataLayer


@cl.data_layer  # the added line, and the function under it
def data_layer():
    return VarveDataLayer("http://127.0.0.1:8484")


@cl.password_auth_callback
def log_in(name: str, password: str):
    return cl.User(identifier=name)  # a demonstration: any password will do


@cl.on_message
async def answer(message: cl.Message):
    async with cl.Step(name="count", type="tool") as step:
        step.input = message.content
        step.output = f"{len(message.content.split())} words, {len(message.elements)} files"
    await cl.Message(f"You said: {message.content} ({step.output})").send()


@cl.on_chat_resume
async def resume(thread):
    pass  # nothing to restore: the app keeps no state of its own
