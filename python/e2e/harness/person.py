"""Someone who uses the app: what a browser sends over HTTP, without the browser."""

import uuid

import httpx

from .chat import Chat
from .wait import until


class Person:
    """A signed-in user. Calls return what the app answered; `…_response` calls return the raw response."""

    def __init__(self, app, name):
        self.app = app
        self.name = name
        # No connection is kept: the app closes idle ones, at times just when the next request is on its way.
        self.http = httpx.Client(base_url=app.url, timeout=60, limits=httpx.Limits(max_keepalive_connections=0))
        self.sign_in()

    def sign_in(self):
        answer = self.http.post("/login", data={"username": self.name, "password": f"{self.name}-password"})
        assert answer.status_code == 200, answer.text
        if self.app.version < (2,):
            self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def credentials(self):
        """The headers that a socket needs to be this user's."""
        if self.app.version < (2,):
            return {"Authorization": self.http.headers["Authorization"]}
        return {"Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies.jar)}

    def open_chat(self, thread_id=""):
        """Connects, as the page does when it is opened; with a thread's id, as when it is picked in the sidebar."""
        session_id = str(uuid.uuid4())
        if self.app.version >= (2, 5):
            self.ok(self.http.post("/set-session-cookie", json={"session_id": session_id}))
        return Chat(self, session_id, thread_id)

    def ok(self, response):
        assert response.status_code == 200, f"{response.request.url}: {response.status_code} {response.text}"
        return response.json()

    def thread_response(self, thread_id):
        return self.http.get(f"/project/thread/{thread_id}")

    def thread(self, thread_id):
        return self.ok(self.thread_response(thread_id))

    def thread_when(self, thread_id, check, what):
        """The thread as soon as `check(thread)` holds."""

        def look():
            thread = self.thread(thread_id)
            assert check(thread), [(step["type"], step["name"], step["output"]) for step in thread["steps"]]
            return thread

        return until(look, what)

    def threads(self, first=35, cursor=None, **filters):
        body = {"pagination": {"first": first, "cursor": cursor}, "filter": filters}
        return self.ok(self.http.post("/project/threads", json=body))

    def thread_ids(self, **filters):
        return [thread["id"] for thread in self.threads(**filters)["data"]]

    def delete_response(self, thread_id):
        return self.http.request("DELETE", "/project/thread", json={"threadId": thread_id})

    def rename_response(self, thread_id, name):
        return self.http.put("/project/thread", json={"threadId": thread_id, "name": name})

    def share_response(self, thread_id, shared=True):
        return self.http.put("/project/thread/share", json={"threadId": thread_id, "isShared": shared})

    def shared_response(self, thread_id):
        return self.http.get(f"/project/share/{thread_id}")

    def element_response(self, thread_id, element_id):
        return self.http.get(f"/project/thread/{thread_id}/element/{element_id}")

    def fetch(self, url, **headers):
        """What a browser gets for an address in the page: no key and no cookie, only what the address itself carries."""
        return httpx.get(httpx.URL(self.app.url).join(url), headers=headers, timeout=30)

    def upload(self, chat, name, data, mime):
        answer = self.http.post(
            "/project/file", params={"session_id": chat.session_id}, files={"file": (name, data, mime)}
        )
        return self.ok(answer)["id"]

    def rate(self, chat, step_id, value, **more):
        """Thumbs up (1) or down (0): the feedback's id."""
        feedback = {"forId": step_id, "threadId": chat.thread_id, "value": value, **more}
        answer = self.http.put("/feedback", json={"feedback": feedback, "sessionId": chat.session_id})
        return self.ok(answer)["feedbackId"]

    def unrate(self, feedback_id):
        return self.ok(self.http.request("DELETE", "/feedback", json={"feedbackId": feedback_id}))

    def change_element(self, chat, element, method="PUT"):
        return self.http.request(method, "/project/element", json={"element": element, "sessionId": chat.session_id})
