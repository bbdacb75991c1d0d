"""What may be waited for in place: contexts of requests, channels that methods give."""

from __future__ import annotations

from tests.gocode import Module


def test_contexts_of_requests_and_bool_channels_are_offered(module: Module) -> None:
    found = {v.text: (v.family, v.place) for v in module.visible("signals.go", b"_, _, _ =") if v.text != "global"}
    assert found == {
        "made.Context()": ("context", "request-local"),
        "r.Context()": ("context", "request-param"),
        "in.Context()": ("context", "request-param"),
        "stop": ("channel", "param"),
        "s.over": ("channel", "field"),
        "r.Cancel": ("channel", "field"),
        "made.Cancel": ("channel", "field"),
    }
    request = next(v for v in module.visible("signals.go", b"_, _, _ =") if v.text == "r.Context()")
    assert request.base is not None and (request.base.name, request.object.kind) == ("r", "method")


def test_what_a_method_gives_is_received_from(module: Module) -> None:
    over = module.ref("signals.go", b"case <-s.Over():", "Over")
    assert (over.role, over.selected, over.leaves) == ("select-receive", "", True)
    context = module.ref("signals.go", b"case <-r.Context().Done():", "Context")
    assert (context.role, context.selected, context.leaves) == ("select-receive", "Done", False)
    asked = module.ref("signals.go", b"s.Context().Err()", "Context")
    assert (asked.role, asked.selected) == ("call", "Err")
