"""One open page: the socket.io session behind it, and everything the app sent over it."""

import datetime
import threading
import uuid

import socketio


class Chat:
    def __init__(self, person, session_id, thread_id=""):
        self.person = person
        self.session_id = session_id
        self.opened_with = thread_id
        self.events = []
        self.changed = threading.Condition()
        self.answer = None
        self.client = socketio.Client(reconnection=False)
        self.client.on("*", self.record)
        self.connect()

    def connect(self):
        """Raises `socketio.exceptions.ConnectionError` when the app refuses."""
        self.client.connect(
            self.person.app.url,
            socketio_path="/ws/socket.io",
            transports=["websocket"],
            headers={**self.person.credentials(), **self.old_headers()},
            auth=self.introduction(),
        )
        self.client.emit("connection_successful")
        self.client.emit("fetch_favorites")

    def introduction(self):
        if self.person.app.version < (2,):
            return None  # not expected yet: the app would fall over it
        return {
            "clientType": "webapp",
            "sessionId": self.session_id,
            "threadId": self.opened_with,
            "userEnv": "{}",
            "chatProfile": "",
        }

    def old_headers(self):
        """Until 2.0 the same facts came in headers."""
        if self.person.app.version >= (2,):
            return {}
        return {
            "X-Chainlit-Session-Id": self.session_id,
            "X-Chainlit-Client-Type": "webapp",
            "X-Chainlit-Thread-Id": self.opened_with,
            "User-Env": "{}",
        }

    def record(self, name, data=None):
        with self.changed:
            self.events.append((name, data))
            self.changed.notify_all()
            if name == "ask":
                # The answer travels as the acknowledgement of the question, so this waits for the person.
                self.changed.wait_for(lambda: self.answer is not None, 60)
                return self.answer

    def wait(self, name, check=lambda data: True, since=0, seconds=40):
        """The first event of that name, at or after `since`, that `check` accepts."""

        def find():
            return next((e for e in self.events[since:] if e[0] == name and check(e[1])), None)

        with self.changed:
            if not self.changed.wait_for(find, seconds):
                seen = [event for event, _ in self.events[since:]]
                raise AssertionError(f"no fitting {name!r} within {seconds} s; seen: {seen}\n{self.tail()}")
            return find()[1]

    def tail(self):
        return self.person.app.process.tail()

    def wait_for_greeting(self):
        return self.wait("new_message", lambda step: step["output"].startswith("Hello"))

    @property
    def thread_id(self):
        """Known to the page from the first interaction on."""
        return self.wait("first_interaction")["thread_id"]

    def send(self, text, files=()):
        """Sends a message and returns at once: the message's id."""
        message = written(self.person.name, text)
        self.client.emit("client_message", {"message": message, "fileReferences": [{"id": file} for file in files]})
        return message["id"]

    def say(self, text, files=()):
        """Sends a message and waits for the end of the turn: the message's id."""
        since = len(self.events)
        message_id = self.send(text, files)
        self.wait("new_message", lambda step: step["type"] == "assistant_message", since)
        self.wait("task_end", since=since)
        return message_id

    def reply(self, text):
        """Answers the question the app is waiting on."""
        with self.changed:
            self.answer = written(self.person.name, text)
            self.changed.notify_all()

    def edit(self, message_id, text):
        since = len(self.events)
        message = {**written(self.person.name, text), "id": message_id}
        self.client.emit("edit_message", {"message": message})
        self.wait("task_end", since=since)

    def mark(self, message_id, favorite):
        """Stars or unstars a message: the favourites afterwards."""
        since = len(self.events)
        message = {**written(self.person.name, ""), "id": message_id, "metadata": {"favorite": favorite}}
        self.client.emit("message_favorite", {"message": message})
        return self.wait("set_favorites", since=since)

    def close(self):
        """Leaves for good, as "new chat" does: the app forgets the session at once."""
        self.client.emit("clear_session")
        self.client.disconnect()
        self.client.wait()


def written(name, text):
    return {
        "id": str(uuid.uuid4()),
        "threadId": "",
        "name": name,
        "type": "user_message",
        "output": text,
        "createdAt": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
    }
