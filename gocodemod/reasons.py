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
        "The function returns values but no error, and nothing that says it gave up, so it cannot tell its caller that it "
        "was stopped."
    ),
    "barrier": "The loop waits for a condition that its caller relies on: returning early would say it holds.",
    # sleep-loop.
    "caller-would-spin": (
        "An endless loop calls this function, never leaves and waits for nothing else: once the signal has fired, the "
        "function would return at once, again and again."
    ),
    "non-positive-duration": "The duration is a constant that is not positive: the Sleep returns at once, and a ticker would panic.",
    "sleeps-under-lock": "A lock taken in this function is held during the wait. The lock is the problem to solve first.",
    "goto-over-declaration": "A goto jumps over the place where the ticker or timer would be declared, which Go forbids.",
    "sleep-in-post": (
        "The Sleep is the post statement of a for, and the wait cannot move to the end of the body without being skipped "
        "by a continue or naming something else."
    ),
    "sleep-in-header": "The Sleep is the init statement of an if, switch or for, where a select cannot stand.",
}
