"""A conversation in a real app: what was said, shown, attached and rated is found again."""

from harness.person import Person
from harness.wait import until


def outputs(thread, *types):
    return [step["output"] for step in thread["steps"] if not types or step["type"] in types]


def step_of(thread, kind, output=None):
    return next(s for s in thread["steps"] if s["type"] == kind and output in (None, s["output"]))


def has_output(text):
    return lambda thread: text in outputs(thread)


def turns_done(thread):
    """How many turns have left all their traces: the answer, the tool's output, the end of the run. The greeting is
    held back until the first message and may come last."""
    runs = [s for s in thread["steps"] if s["type"] == "run" and s["end"]]
    if not any(run["name"] == "on_chat_start" for run in runs):
        return 0
    tools = [s for s in thread["steps"] if s["type"] == "tool" and s["output"]]
    answers = [s for s in thread["steps"] if s["type"] == "assistant_message" and s["output"].startswith("Echo")]
    return min(len(runs) - 1, len(tools), len(answers))


def test_a_visit_without_a_message_leaves_no_thread(alice, chat, open_chats):
    before = alice.thread_ids()
    chat.close()
    later = alice.open_chat()
    open_chats.append(later)
    later.wait_for_greeting()
    later.say("I am really here")
    until(lambda: later.thread_id in alice.thread_ids(), "the second visit is listed")
    assert set(alice.thread_ids()) - set(before) == {later.thread_id}


def test_two_turns_are_saved_with_their_tools(alice, chat):
    first = chat.say("How deep is the mud?")
    chat.say("And how old?")
    thread = alice.thread_when(chat.thread_id, lambda t: turns_done(t) == 2, "both turns are there")
    assert len(thread["steps"]) == 10
    assert thread["name"] == "How deep is the mud?"
    assert thread["userIdentifier"] == "alice"
    assert outputs(thread, "user_message", "assistant_message") == [
        "Hello! Ask me anything.",
        "How deep is the mud?",
        "Echo: How deep is the mud?",
        "And how old?",
        "Echo: And how old?",
    ]
    user = next(s for s in thread["steps"] if s["id"] == first)
    run = next(s for s in thread["steps"] if s["parentId"] == first)
    tool = next(s for s in thread["steps"] if s["parentId"] == run["id"] and s["type"] == "tool")
    assert (user["type"], run["type"], run["name"], tool["name"]) == ("user_message", "run", "on_message", "look_up")
    assert "How deep is the mud?" in tool["input"] and "you said: How deep" in tool["output"]
    assert tool["start"] <= tool["end"]
    starts = [step["createdAt"] for step in thread["steps"]]
    assert starts == sorted(starts)


def test_a_streamed_answer_is_saved_whole(alice, chat):
    chat.say("stream it")
    alice.thread_when(chat.thread_id, has_output("Echo: stream itstreamed word by word"), "the whole answer")


def test_steps_reload_as_they_were_shown(alice, chat):
    """What the page was told while it was open is what it gets on a reload, field by field."""
    chat.say("the same again")
    thread = alice.thread_when(chat.thread_id, lambda t: turns_done(t) == 1, "the turn is complete")
    shown = {}
    for name, data in list(chat.events):
        if name in ("new_message", "update_message"):
            shown[data["id"]] = data
    saved = {step["id"]: step for step in thread["steps"]}
    assert set(shown) <= set(saved)
    for step_id, step in shown.items():
        kept = saved[step_id]
        for key in ("name", "type", "output", "isError", "language", "metadata", "threadId"):
            assert kept[key] == step.get(key), (step["name"], key)


def test_an_uploaded_file_comes_back_byte_for_byte(alice, chat, png):
    file_id = alice.upload(chat, "a picture é.png", png, "image/png")
    message_id = chat.say("what is in the picture?", [file_id])
    thread = alice.thread_when(chat.thread_id, lambda t: t["elements"], "the picture is there")
    (element,) = thread["elements"]
    assert (element["type"], element["name"], element["mime"]) == ("image", "a picture é.png", "image/png")
    assert (element["forId"], element["display"]) == (message_id, "inline")
    answer = alice.fetch(element["url"])
    assert answer.status_code == 200 and answer.content == png
    assert answer.headers["content-type"] == "image/png"
    part = alice.fetch(element["url"], Range="bytes=4-9")
    assert part.status_code == 206 and part.content == png[4:10]


def test_a_large_file_comes_back_byte_for_byte(alice, chat):
    data = bytes(range(256)) * 40_000
    file_id = alice.upload(chat, "big.bin", data, "application/octet-stream")
    chat.say("keep this", [file_id])
    thread = alice.thread_when(chat.thread_id, lambda t: t["elements"], "the file is there")
    (element,) = thread["elements"]
    assert element["type"] == "file"
    assert alice.fetch(element["url"]).content == data


def test_an_apps_text_element_is_found_again(alice, chat):
    chat.say("notes please")
    thread = alice.thread_when(chat.thread_id, lambda t: t["elements"], "the note is there")
    (element,) = thread["elements"]
    assert (element["type"], element["name"]) == ("text", "a note.txt")
    assert alice.fetch(element["url"]).content.decode() == "first line\nzweite Zeile: é"
    answer = alice.element_response(chat.thread_id, element["id"])
    assert answer.status_code == 200 and answer.json()["forId"] == element["forId"]


def test_a_custom_elements_props_are_kept_and_changed(alice, chat):
    chat.say("card please")
    thread = alice.thread_when(chat.thread_id, lambda t: t["elements"], "the card is there")
    (element,) = thread["elements"]
    assert element["type"] == "custom"
    assert element["props"] == {"count": 1, "ratio": 2.5, "é": None}
    changed = {**element, "props": {"count": 2, "list": [1, "x"]}}
    assert alice.change_element(chat, changed).json() == {"success": True}
    until(
        lambda: alice.element_response(chat.thread_id, element["id"]).json()["props"] == {"count": 2, "list": [1, "x"]},
        "the change is saved",
    )
    assert alice.change_element(chat, changed, "DELETE").json() == {"success": True}
    alice.thread_when(chat.thread_id, lambda t: not t["elements"], "the card is gone")


def test_thumbs_down_then_up_then_none(alice, chat):
    chat.say("rate this")
    thread = alice.thread_when(chat.thread_id, has_output("Echo: rate this"), "the answer is there")
    answer = step_of(thread, "assistant_message", "Echo: rate this")

    def feedback():
        return next(s for s in alice.thread(chat.thread_id)["steps"] if s["id"] == answer["id"]).get("feedback")

    first = alice.rate(chat, answer["id"], 0, comment="too short")
    assert feedback() | {"id": first, "value": 0, "comment": "too short"} == feedback()
    assert chat.thread_id in alice.thread_ids(feedback=0)
    assert chat.thread_id not in alice.thread_ids(feedback=1)

    second = alice.rate(chat, answer["id"], 1, id=first, comment="better now")
    assert second == first
    assert feedback() | {"id": first, "value": 1, "comment": "better now"} == feedback()
    assert chat.thread_id in alice.thread_ids(feedback=1)
    assert chat.thread_id not in alice.thread_ids(feedback=0)

    alice.unrate(first)
    assert not feedback()
    assert chat.thread_id not in alice.thread_ids(feedback=1)


def test_a_second_rating_replaces_the_first(alice, chat):
    """A page that lost the feedback's id sends none; the step must still have one rating only."""
    chat.say("rate me twice")
    thread = alice.thread_when(chat.thread_id, has_output("Echo: rate me twice"), "the answer is there")
    answer = step_of(thread, "assistant_message", "Echo: rate me twice")
    assert alice.rate(chat, answer["id"], 0) == alice.rate(chat, answer["id"], 1)
    steps = [s for s in alice.thread(chat.thread_id)["steps"] if s["id"] == answer["id"]]
    assert [s["feedback"]["value"] for s in steps] == [1]


def test_favourites_are_kept_between_visits(alice, chat, open_chats):
    message_id = chat.say("remember this one")
    assert message_id in [step["id"] for step in chat.mark(message_id, True)]
    chat.close()
    later = alice.open_chat()
    open_chats.append(later)
    kept = later.wait("set_favorites")
    star = next(step for step in kept if step["id"] == message_id)
    assert star["output"] == "remember this one"
    # Chainlit holds every write of a visit back until its first message.
    later.say("and now forget it")
    assert message_id not in [step["id"] for step in later.mark(message_id, False)]


def test_a_new_name_outlives_the_session(alice, chat):
    chat.say("a first name")
    until(lambda: chat.thread_id in alice.thread_ids(), "the thread is listed")
    assert alice.rename_response(chat.thread_id, "A better name").status_code == 200
    thread_id = chat.thread_id
    chat.close()
    alice.thread_when(thread_id, lambda t: t["metadata"].get("last"), "the session's end is written")
    assert alice.thread(thread_id)["name"] == "A better name"
    assert {t["id"]: t["name"] for t in alice.threads()["data"]}[thread_id] == "A better name"


def test_a_shared_thread_is_readable_until_it_is_not(alice, bob, chat):
    chat.say("come and see")
    thread_id = chat.thread_id
    alice.thread_when(thread_id, has_output("Echo: come and see"), "the answer is there")
    assert bob.shared_response(thread_id).status_code == 404
    assert alice.share_response(thread_id).status_code == 200
    assert has_output("Echo: come and see")(bob.shared_response(thread_id).json())
    assert bob.thread_response(thread_id).status_code == 401
    assert alice.share_response(thread_id, False).status_code == 200
    assert bob.shared_response(thread_id).status_code == 404


def test_resume_continues_where_it_stopped(alice, chat, open_chats, png):
    file_id = alice.upload(chat, "picture.png", png, "image/png")
    chat.say("before the break", [file_id])
    thread_id = chat.thread_id
    alice.thread_when(thread_id, lambda t: turns_done(t) == 1 and t["elements"], "the turn is complete")
    chat.close()
    alice.thread_when(thread_id, lambda t: t["metadata"].get("last"), "the session's end is written")

    again = alice.open_chat(thread_id)
    open_chats.append(again)
    assert again.wait("first_interaction")["interaction"] == "resume"
    resumed = again.wait("resume_thread")
    assert outputs(resumed, "user_message", "assistant_message")[1:] == ["before the break", "Echo: before the break"]
    assert alice.fetch(resumed["elements"][0]["url"]).content == png
    assert resumed["metadata"]["last"] == "before the break"

    again.say("after the break")
    thread = alice.thread_when(thread_id, has_output("Echo: after the break"), "the next turn is there")
    assert thread["name"] == "before the break"
    assert outputs(thread, "user_message") == ["before the break", "after the break"]


def test_an_edit_replaces_what_came_after(alice, chat):
    first = chat.say("frist")
    chat.say("second")
    alice.thread_when(chat.thread_id, has_output("Echo: second"), "both turns are there")
    chat.edit(first, "first")
    thread = alice.thread_when(
        chat.thread_id,
        lambda t: outputs(t, "user_message", "assistant_message")[1:] == ["first", "Echo: first"],
        "the corrected turn only",
    )
    assert next(s for s in thread["steps"] if s["id"] == first)["output"] == "first"


def test_a_deleted_thread_stays_deleted(alice, chat, open_chats, png):
    """Also when the page is still open and says goodbye afterwards."""
    file_id = alice.upload(chat, "picture.png", png, "image/png")
    chat.say("forget this", [file_id])
    thread_id = chat.thread_id
    thread = alice.thread_when(thread_id, lambda t: turns_done(t) == 1 and t["elements"], "the turn is complete")
    assert alice.delete_response(thread_id).status_code == 200
    assert alice.thread_response(thread_id).status_code == 404
    until(lambda: alice.fetch(thread["elements"][0]["url"]).status_code == 404, "the picture is gone")
    chat.close()
    later = alice.open_chat()
    open_chats.append(later)
    later.wait_for_greeting()
    later.say("something else")
    until(lambda: later.thread_id in alice.thread_ids(), "a later thread is listed")
    assert thread_id not in alice.thread_ids()
    assert alice.thread_response(thread_id).status_code == 404


def test_search_finds_names_and_answers(alice, chat):
    chat.say("Ein ungewöhnliches Wörtchen")
    alice.thread_when(chat.thread_id, has_output("Echo: Ein ungewöhnliches Wörtchen"), "the answer is there")
    assert alice.rename_response(chat.thread_id, "100%_Kröten").status_code == 200
    for text in ("UNGEWÖHNLICHES", "ungewohnliches", "100%_K", "kroten"):
        assert chat.thread_id in alice.thread_ids(search=text), text
    for text in ("100__K", "nowhere at all"):
        assert chat.thread_id not in alice.thread_ids(search=text), text


def test_pages_hold_each_thread_once(alice, open_chats):
    made = []
    for number in range(5):
        chat = alice.open_chat()
        open_chats.append(chat)
        chat.wait_for_greeting()
        chat.say(f"page {number}")
        made.append(chat.thread_id)
        alice.thread_when(chat.thread_id, has_output(f"Echo: page {number}"), "the answer is there")
    seen, cursor = [], None
    while True:
        page = alice.threads(first=2, cursor=cursor)
        assert len(page["data"]) <= 2
        seen += [thread["id"] for thread in page["data"]]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == len(set(seen))
    assert seen[:5] == made[::-1]


def test_everything_is_found_again_after_a_restart(backend, alice, chat, png):
    file_id = alice.upload(chat, "picture.png", png, "image/png")
    message_id = chat.say("card before the night", [file_id])
    thread_id = chat.thread_id
    chat.mark(message_id, True)
    thread = alice.thread_when(thread_id, lambda t: turns_done(t) == 1 and len(t["elements"]) == 2, "complete")
    answer = step_of(thread, "assistant_message", "Echo: card before the night")
    alice.rate(chat, answer["id"], 0)
    chat.close()
    before = alice.thread_when(thread_id, lambda t: t["metadata"].get("last"), "the session's end is written")

    backend.restart()

    alice = Person(backend.app, "alice")
    after = alice.thread(thread_id)
    picture = next(e for e in after["elements"] if e["type"] == "image")
    assert alice.fetch(picture["url"]).content == png
    for thread in (before, after):
        for element in thread["elements"]:
            element.pop("url")  # signed anew on each read
    assert after == before
    assert thread_id in alice.thread_ids(feedback=0)
    again = alice.open_chat(thread_id)
    again.wait("resume_thread")
    assert message_id in [step["id"] for step in again.wait("set_favorites")]
    again.say("good morning")
    alice.thread_when(thread_id, has_output("Echo: good morning"), "the next turn is there")
    again.close()
