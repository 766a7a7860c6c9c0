"""A Chainlit app as people write them; only the data layer is chosen elsewhere (`layers.py`)."""

import chainlit as cl

import layers

layers.register()


@cl.password_auth_callback
async def sign_in(username: str, password: str):
    if password != f"{username}-password" or username not in ("alice", "bob"):
        return None
    return cl.User(identifier=username, metadata={"team": "é"})


@cl.on_chat_start
async def start():
    await cl.Message(content="Hello! Ask me anything.").send()


@cl.on_chat_resume
async def resume(thread):
    cl.user_session.set("resumed", True)


@cl.step(type="tool")
async def look_up(question: str):
    return {"question": question, "answer": f"you said: {question}"}


@cl.on_message
async def answer(message: cl.Message):
    found = await look_up(message.content)
    if message.content.startswith("ask"):
        await ask_back()
    reply = cl.Message(content=f"Echo: {message.content}", elements=attachments(message.content))
    if message.content.startswith("stream"):
        for word in ("streamed ", "word ", "by ", "word"):
            await reply.stream_token(word)
    await reply.send()
    cl.user_session.set("last", found["question"])


async def ask_back():
    """Stops in the middle of a turn until the user answers."""
    said = await cl.AskUserMessage(content="Are you sure?", timeout=120).send()
    await cl.Message(content=f"You are: {said['output']}").send()


def attachments(question: str):
    if question.startswith("notes"):
        return [cl.Text(name="a note.txt", content="first line\nzweite Zeile: é", display="inline")]
    if question.startswith("card"):
        return [cl.CustomElement(name="Card", props={"count": 1, "ratio": 2.5, "é": None}, display="inline")]
    return []
