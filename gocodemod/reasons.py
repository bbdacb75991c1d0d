"""Every reason a site can end with, a sentence each. ``gocodemod explain REASON`` prints it."""

from __future__ import annotations

REASONS: dict[str, str] = {
    # The engine's own.
    "parse-error": "Go's parser rejects this file, so nothing in it is edited.",
    "grammar-gap": (
        "The enclosing function holds syntax that tree-sitter-go cannot read yet (such as new(expr) of Go 1.26), so its "
        "tree cannot be trusted and the function is left alone."
    ),
    "types-unavailable": (
        "The type checker could not say what this code means: there is no Go toolchain, or the package, or what it "
        "imports, could not be loaded. Nothing is decided by guessing."
    ),
    "format-unsafe": "The file is not gofmt-clean and the edit could not be formatted without touching other lines.",
    "excluded-by-build": (
        "Build constraints leave this file out, and no build configuration was found in which its package loads."
    ),
    "internal-error": "The transform failed on this site. That is a bug of ours; the evidence has the details.",
    "import-name-taken": (
        "The rewrite needs an import whose name means something else in this file, and no other name was found for it."
    ),
    "changed-on-disk": "The file changed between reading and deciding: nothing in it is touched; run again.",
    "go-too-old": "The language version of this file is older than the rewrite needs.",
    # Stop signals.
    "no-stop-signal": (
        "No context.Context and no stop channel that could end the loop is in scope at the site, or those that are "
        "cannot be relied on (assigned elsewhere, declared inside the loop, sent to, meaning a start rather than a stop)."
    ),
    "never-fires": "The only candidate is never cancelled or closed, so a stop arm on it would be dead code.",
    "request-scoped-signal": (
        "The only candidate is the context of a request or an RPC, and the goroutine is meant to outlive that."
    ),
    "cancelled-by-starter": (
        "The function that starts this goroutine cancels the context when it returns and does not wait for the "
        "goroutine: a stop arm would end it far too early."
    ),
    "signal-already-fired": (
        "The signal has fired, or may have, when the wait is reached (code after a cancel, a deferred function, a method "
        "that stops things): the rewrite would skip the wait."
    ),
    # Exits.
    "stop-exit-differs": (
        "Leaving at the wait would skip something that releases, replies or records, or the loop's own exit on this "
        "signal does more than a return that could be copied."
    ),
    "no-way-to-report-stop": (
        "The function returns values but no error, so it cannot tell its caller that it was stopped."
    ),
    "barrier": "The loop waits for a condition that its caller relies on: returning early would say it holds.",
    # sleep-loop.
    "non-positive-duration": "The duration is a constant that is not positive: the Sleep returns at once, and a ticker would panic.",
    "sleeps-under-lock": "A lock taken in this function is held during the wait. The lock is the problem to solve first.",
    "goto-over-declaration": "A goto jumps over the place where a variable would be declared, which Go forbids.",
    "sleep-in-post": (
        "The Sleep is the post statement of a for, and the wait cannot move to the end of the body without being skipped "
        "by a continue or naming something else."
    ),
    "sleep-in-header": "The Sleep is the init statement of an if, switch or for, where a select cannot stand.",
    # sleep-afterfunc.
    "goroutine-is-joined": (
        "Somebody waits for this goroutine (a WaitGroup, a channel): its Sleep is a step of the work that is waited for, "
        "not a way to start work later."
    ),
    "literal-has-results": "The function literal has results, so a timer cannot run it as it is.",
    "parameter-not-bound": (
        "The literal's parameters cannot become variables around it: their names mean something else there, or their "
        "arguments cannot be evaluated one by one."
    ),
    "comment-in-the-way": "A comment stands inside of what the edit would take out, and no other place is right for it.",
    # lost-cancel.
    "context-escapes": (
        "Something that lives on has the context, or what was made of it (a returned response, a stored stream, a "
        "goroutine): cancelling it here would cut that off."
    ),
    "cancelled-with-parent": (
        "The function cancels the context's parent when it ends, and that releases this one, too: its own cancel function "
        "need not be called."
    ),
    "cancel-handed-on": (
        "The cancel function is returned, stored or passed on some path, so its context outlives the function there; the "
        "path on which it is lost needs a call of its own."
    ),
    "cancel-in-header": (
        "The context is made in the header of an if, switch or for, where no call to its cancel function can follow it."
    ),
    "package-level-context": "The context is made at package level: there is no function at whose end it could be cancelled.",
    "context-unused": "Neither the context nor its cancel function is used: the statement can go.",
    "round-end-unclear": (
        "The context is made in a loop, and the end of the round that uses it is not a place where cancel could be called."
    ),
}
