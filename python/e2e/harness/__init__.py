"""What the end-to-end tests stand on: real processes (Varve, PostgreSQL, Chainlit) and people who use the app.

    with Postgres(folder) as postgres, Varve(folder, url=postgres.database("one")) as varve:
        with App(folder, varve.app_environment()) as app:
            alice = Person(app, "alice")
            chat = alice.open_chat()
            chat.say("hello")
"""
