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
    "non-positive-duration": (
        "The duration is a constant that is not positive: a Sleep returns at once, time.Tick gives nil, and a ticker would "
        "panic."
    ),
    "sleeps-under-lock": "A lock taken in this function is held during the wait. The lock is the problem to solve first.",
    "goto-over-declaration": "A goto jumps over the place where the ticker or timer would be declared, which Go forbids.",
    "sleep-in-post": (
        "The Sleep is the post statement of a for, and the wait cannot move to the end of the body without being skipped "
        "by a continue or naming something else."
    ),
    "sleep-in-header": "The Sleep is the init statement of an if, switch or for, where a select cannot stand.",
    # ticker-stop.
    "ownership-unknown": (
        "Somebody else may hold the timer or ticker (it, or its channel, is returned, stored, passed on, sent or shared "
        "with another literal), so it cannot be told here when it is no longer needed."
    ),
    "collected-by-runtime": (
        "With this module's go line, 1.23 or newer, the runtime collects unreachable timers and tickers, stopped or not: "
        "the edit would gain nothing."
    ),
    "stop-never-runs": (
        "The function or round that uses the timer or ticker never ends, or only with the process: a Stop there is dead code, "
        "and the ticker is in use for as long as the program runs."
    ),
    "variable-reassigned": (
        "The variable holds different timers or tickers at different times: one Stop, or a defer, which looks at the variable "
        "when it is reached, would not stop them all."
    ),
    "outlives-the-round": (
        "It is made in a loop (or behind a goto), but its variable, or a copy of its channel, lives longer than one round: "
        "what a later round does with it cannot be told."
    ),
    "nothing-holds-it": "The timer or ticker is used where it is made, and no variable holds it that could be stopped.",
    "no-place-for-stop": (
        "There is no place where a Stop can be written that every way out passes: the timer or ticker is made in the header "
        "of a statement, a jump still uses it or leaves by goto, or too many ways lead out."
    ),
    "duration-not-constant": (
        "time.Tick gives nil for a duration that is not positive, where NewTicker panics: only constants can be told."
    ),
    # time-after-loop.
    "restarted-each-round": (
        "The wait never passes: something shorter in the same select (a default, a time.After, a ticker) begins each round, and "
        "with it the wait, anew. A deadline for the whole loop is made once, before it."
    ),
    "operand-order": (
        "A select evaluates its operands in source order, and one before the time.After does more than name a channel: a "
        "timer made before the select would start too early."
    ),
}
