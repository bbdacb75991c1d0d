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
    # Signatures that would change.
    "exported-api": (
        "The name is exported, or linked to: code that cannot be seen may use what it names as it is. A context is threaded "
        "through a function with `--thread-exported`; what main and internal packages export is no API."
    ),
    "used-as-value": (
        "The function, or its type, is used as a value somewhere, or called in a way that cannot be given one more argument, "
        "so its signature is not ours to change."
    ),
    "satisfies-interface": "A method of this name may be called through an interface, so its signature is not ours to change.",
    "other-build-config": (
        "A file that is generated, excluded, or left out of this build configuration, or a test that was not loaded, names what "
        "would change."
    ),
    # Context threading.
    "bound-signature": "Something that is not Go code calls the function: go:linkname, cgo's export, or assembly.",
    "thread-too-deep": (
        "More functions than `--thread-depth` allows stand between the site and the nearest caller that has a context."
    ),
    "runs-at-init": "The code is called when its package is initialised, where there is no context.",
    "outlives-signal": (
        "The nearest context belongs to the caller that starts a goroutine, and may end while the goroutine should go on."
    ),
    "main-does-not-stop": (
        "The context would be made in main, which then no longer dies of SIGTERM, and main waits for something that does "
        "not end with the context."
    ),
    "handles-signals": "The context would be made in main from SIGINT and SIGTERM, which the program handles in its own way.",
    "zero-value-used": (
        "Values of the type come to be without a composite literal (var, new, a field or an element by value, a decoder), so "
        "that nothing would make the channel by which its goroutine hears of the end, and closing it would panic."
    ),
    "built-elsewhere": (
        "Values of the type are made in another package, or without field names, where one more field cannot be set."
    ),
    "struct-is-embedded": "Another struct embeds the type, and one more field of it may hide, or be hidden by, what is there.",
    "restartable": (
        "The goroutine may be started again after the type was stopped. The channel that told the first one to end stays closed, "
        "so the next would end at once."
    ),
    "stop-method-unclear": (
        "It is not plain that the type's Close, Stop or Shutdown is called once, for all that the type does, and comes to its end."
    ),
    "stop-waits": (
        "The type's Close, Stop or Shutdown waits for something that may be work of the very goroutine that it would end first."
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
    "goto-over-declaration": (
        "A goto jumps over the place where a variable (ticker, timer, context) would be declared, which Go forbids."
    ),
    "sleep-in-post": (
        "The Sleep is the post statement of a for, and the wait cannot move to the end of the body without being skipped "
        "by a continue or naming something else."
    ),
    "sleep-in-header": "The Sleep is the init statement of an if, switch or for, where a select cannot stand.",
    # wait-timeout.
    "would-leak-sender": (
        "Whoever sends on the channel, or on another one that the function receives from later, would wait for a receiver "
        "for ever once the function has returned early."
    ),
    "sender-out-of-sight": (
        "Who sends on or closes the channel (or belongs to the WaitGroup) cannot be seen from here, so nobody knows whom an "
        "early return would leave behind."
    ),
    "slot-or-token": (
        "The receive takes or gives back a slot, a lock or a turn, or the channel has several receivers: it is no wait for a "
        "result."
    ),
    "start-barrier": "The goroutine waits here to be let go, which is meant to take as long as it takes.",
    "runs-until-stopped": (
        "The wait is for the end of something that runs until it is stopped (a server, a loop, a process), so a long wait is "
        "no failure."
    ),
    "waits-again": "A deferred call waits for the same or another goroutine, so an early return would not return earlier.",
    "skips-cleanup": (
        "What stands behind the wait releases, replies or records, or the function's own failures clean up first: an early "
        "return would leave that out."
    ),
    "lets-the-next-in": (
        "A deferred call gives back a lock, a slot, a flag or a place in a group. After the timeout others would be let in, or "
        "told that all is done, while the goroutine still works."
    ),
    "goes-on-after-failure": (
        "The function goes on when what it waits for fails: it logs, collects, takes a default or tries again. A timeout would "
        "make it give up."
    ),
    "ends-by-itself": (
        "All that the goroutines do is in sight, and nothing in it waits for anybody: they take their time and end. A bound "
        "would guard against nothing, or cut work short. So it is with one that goes through a tree of files, and with one that "
        "was only started to have a thread of its own."
    ),
    "caller-sets-the-limit": (
        "The goroutines work with a context that the caller handed over, and end with that: how long they may take is for the "
        "caller to say, not for a number here."
    ),
    "hides-an-error": "An error from before the wait is returned behind it: an early return would tell of the timeout instead.",
    "late-result-leaks": (
        "The result holds something that must be closed. If it came after the timeout, nobody would be there to do that."
    ),
    "worker-uses-freed-resource": (
        "The goroutine that would be left behind works with something that the function's deferred calls free, or that "
        "belongs to the caller, who may use it again once the function has returned."
    ),
    "worker-writes-after-return": (
        "The goroutine that would be left behind writes a variable or field that others read without waiting for it: a data "
        "race."
    ),
    "type-not-nameable": "A variable for the received value would have to be declared, and its type has no name at this place.",
    "wait-in-header": (
        "The wait stands in the header of a statement, has a label, or holds a comment or a call, so that a select cannot "
        "take its place."
    ),
    # waitgroup-misuse.
    "done-before-the-end": (
        "Work follows the Done of a WaitGroup, in a goroutine that Wait is not meant to wait for to its end: a "
        "barrier. Deferred, it would be waited for."
    ),
    "counts-items": ("Done is called in each round of a loop: the WaitGroup counts items, not goroutines."),
    "done-not-on-every-path": (
        "Some way through the goroutine ends without Done, and it cannot be told whether that is meant, or what "
        "else calls Done then."
    ),
    "done-more-than-once": (
        "Done of the same WaitGroup is called by other means too: deferred, by a callee, by a caller, by its Go method."
    ),
    "done-of-two-groups": (
        "Done of one WaitGroup and of another are called one right behind the other, so that deferring either would change "
        "which one comes last."
    ),
    "group-changes": (
        "The expression that names the WaitGroup is computed, declared or assigned while the goroutine runs, so at "
        "its start, or where it is started, it may name another one or none."
    ),
    "defers-may-block": (
        "The goroutine defers calls that may wait for something, in a place where Done cannot be deferred behind "
        "them: Wait would wait for them too, and could hang."
    ),
    "leaves-an-empty-branch": ("Done is all that a branch of an if does, and nothing would be left of it."),
    "add-not-at-start": (
        "Add stands in a branch of the goroutine, or behind something that may keep or end it: moved before the go "
        "statement, it would count goroutines that never call Done, or keep Wait waiting for more than it did."
    ),
    "count-unclear": (
        "Other calls of Add or Done touch the same WaitGroup, so that it is not plain which Done the Add is paired "
        "with."
    ),
    "waits-for-the-group": (
        "The goroutine waits for something that comes only after Wait has returned, so waiting for it would be a "
        "deadlock."
    ),
    "lock-held-at-wait": ("A lock is held while the WaitGroup is waited for, and the goroutine takes it: a deadlock."),
    "copied-further": (
        "The value that is copied comes from another copy, or goes on into one, in a place that cannot be changed "
        "along."
    ),
    "adds-to-its-copy": (
        "The goroutine calls Add on a WaitGroup that it is handed by value. Add belongs before the go statement, "
        "and nobody but the author knows what it should count."
    ),
    "changes-its-copy": (
        "The method assigns to fields of its receiver, a copy; by pointer it would change the original."
    ),
    "struct-copied": (
        "A struct that holds a WaitGroup is passed by value, and the WaitGroup is copied with it. Whether the rest "
        "should be shared, too, is for a person to decide."
    ),
    "needs-another-fix": (
        "The fix would be right only together with another one (a loop that main waits for, too), which was left out, lost a "
        "conflict or was rolled back."
    ),
    "fixed-together": ("The rewrite of another site changes this one with it."),
    # ticker-stop and time-after-loop.
    "ownership-unknown": (
        "Somebody else may hold the timer or ticker (it, or its channel, is returned, stored, passed on, sent, "
        "shared with another literal or kept between its calls), so it cannot be told here when it is no longer needed."
    ),
    "collected-by-runtime": (
        "With this module's go line, 1.23 or newer, the runtime collects unreachable timers and tickers, stopped "
        "or not: the edit would gain nothing."
    ),
    "stop-never-runs": (
        "The function or round that uses the timer or ticker never ends, or only with the process: a Stop there is "
        "dead code, and the ticker is in use for as long as the program runs."
    ),
    "variable-reassigned": (
        "The variable holds different timers or tickers at different times: one Stop, or a defer, which looks at "
        "the variable when it is reached, would not stop them all."
    ),
    "outlives-the-round": (
        "It is made in a loop (or behind a goto), but its variable, or a copy of its channel, lives longer than "
        "one round: what a later round does with it cannot be told."
    ),
    "nothing-holds-it": (
        "The timer or ticker is used where it is made, and no variable holds it that could be stopped."
    ),
    "no-place-for-stop": (
        "There is no place where a Stop can be written that every way out passes: the timer or ticker is made in "
        "the header of a statement, a jump still uses it or leaves by goto, or too many ways lead out."
    ),
    "duration-not-constant": (
        "time.Tick gives nil for a duration that is not positive, where NewTicker panics: only constants can be told."
    ),
    "restarted-each-round": (
        "The wait never passes: something shorter in the same select (a default, a time.After, a ticker) begins "
        "each round, and with it the wait, anew. A deadline for the whole loop is made once, before it."
    ),
    "operand-order": (
        "A select evaluates its operands in source order, and one before the time.After does more than name a "
        "channel: a timer made before the select would start too early."
    ),
    # lost-cancel and sleep-afterfunc.
    "goroutine-is-joined": (
        "Somebody waits for this goroutine (a WaitGroup, a channel): its Sleep is a step of the work that is "
        "waited for, not a way to start work later."
    ),
    "duration-may-wait": (
        "Evaluating the duration may wait, for a lock or a message: the goroutine did that by itself, and the statement "
        "would keep its function waiting."
    ),
    "literal-has-results": ("The function literal has results, so a timer cannot run it as it is."),
    "parameter-not-bound": (
        "The literal's parameters cannot become variables around it: their names mean something else there, or "
        "their arguments cannot be evaluated one by one."
    ),
    "comment-in-the-way": (
        "A comment stands inside of what the edit would take out, and no other place is right for it."
    ),
    "context-escapes": (
        "Something that lives on has the context, or what was made of it (a returned response, a stored stream, a "
        "goroutine): cancelling it here would cut that off."
    ),
    "cancelled-with-parent": (
        "The function cancels the context's parent when it ends, and that releases this one, too: its own cancel "
        "function need not be called."
    ),
    "cancel-handed-on": (
        "The cancel function is returned, stored or passed on some path, so its context outlives the function "
        "there; the path on which it is lost needs a call of its own."
    ),
    "cancel-in-header": (
        "The context is made in the header of an if, switch or for, where no call to its cancel function can follow it."
    ),
    "package-level-context": (
        "The context is made at package level: there is no function at whose end it could be cancelled."
    ),
    "context-unused": ("Neither the context nor its cancel function is used: the statement can go."),
    "round-end-unclear": (
        "The context is made in a loop, and the end of the round that uses it is not a place where cancel could be "
        "called."
    ),
    # goroutine-waitgroup.
    "never-ends": ("The goroutine has an endless loop, or serves: whoever waited for it would wait for ever."),
    "end-unknown": (
        "Nothing shows that the goroutine comes to an end before the wait for it would: it waits for something "
        "that only happens later, or for somebody else (a peer, a process, a message), or calls what cannot be "
        "looked into."
    ),
    "ends-late": (
        "The goroutine pauses for more than a second, and nothing cuts the pause short: whoever waited for it would wait "
        "that long."
    ),
    "starter-never-returns": ("The function that starts the goroutine never comes to its end, so it would never wait."),
    "unbuffered-send": (
        "The goroutine sends to a channel that has no room, and somebody may receive only after the wait: each "
        "would wait for the other."
    ),
    "pipe-in-use": (
        "The goroutine works with one end of a pipe, whose other end is used or handed on by its starter: it ends "
        "when somebody reads or closes that, which may be after the wait."
    ),
    "joins-itself": ("The goroutine may call the very method that would wait for it, and would wait for itself."),
    "add-races-with-wait": (
        "The method that starts the goroutine may be called when the method that would wait for it already waits: "
        "they are not kept apart by a lock, and a goroutine counted too late is not waited for."
    ),
    "struct-is-copied": (
        "Values of the struct are copied, compared or made without field names somewhere, so it cannot have a "
        "group, a channel, a lock or a flag of its own as a field: a copy would have another one, or share it."
    ),
    "waits-its-own-way": (
        "The function waits for what the goroutine does in a way of its own (a context that the goroutine cancels, "
        "a future that it sets, a deadline), perhaps on purpose not to its end."
    ),
    "written-without-wait": (
        "The goroutine writes what its starter reads without waiting. That is a race already, and a Wait at the "
        "end would come too late: where to wait is for a person to say."
    ),
    "request-handler": (
        "The goroutine is started on behalf of a request, an RPC or an event, and whoever sent that waits for the "
        "function to return."
    ),
    "outlives-starter": (
        "The goroutine is meant to go on when its starter has returned: that is a constructor or a Start by its "
        "name, or it returns or stores what the goroutine works with."
    ),
    "runs-apart": (
        "The goroutine is started apart on purpose: a comment or a name says so, the starter has nothing left to "
        "do after it, or it is a deferred call, a callback, a loop without an end, a delay, or cancels something and no more."
    ),
    # cond-poll.
    "flag-out-of-sight": (
        "The flag is exported, or used where the type checker cannot look: others may set it, or look at it."
    ),
    "flag-used-otherwise": (
        "The flag is more than a bool that loops wait for: it is looked at elsewhere, handed on, set to something computed, "
        "declared together with others, or begins as true."
    ),
    "flag-is-reset": "The flag is set to false somewhere, and then it is waited for again: a channel stays closed.",
    "set-more-than-once": (
        "The flag is set in several places, or in one that may run more than once for the same flag: closing a channel twice "
        "panics."
    ),
    "never-set": "Nothing sets the flag that the loop waits for, so the loop never ends.",
    "made-without-the-channel": (
        "Values of the struct are made without a composite literal that could hold the channel, or are copied, compared or "
        "made elsewhere: a nil channel blocks for ever, and closing it panics."
    ),
    "builtin-is-hidden": "close or make means something else in this place.",
    "leaves-a-variable-unused": "A variable would be left that nothing uses any more, which Go forbids.",
    "duration-is-a-call": "The duration of the Sleep comes from a call, which may do more than give a number.",
    # busy-spin.
    "spins": (
        "The loop goes round without waiting for anything, and takes a whole processor; what it should wait for (a channel, a "
        "WaitGroup, a sync.Cond) is for a person to say."
    ),
    "operand-changes": (
        "What a case of the select waits for may be set to something else while it waits: a loop that looks again sees that, "
        "a select that waits does not."
    ),
    # short-sleep.
    "wakes-too-often": (
        "The loop sleeps for a millisecond or less, so it wakes up to a thousand times a second or more. What it should wait "
        "for (a channel, a sync.Cond, a longer time) is for a person to say."
    ),
    # wait-queue.
    "queue-does-more": (
        "The queue is more than a channel: something else is done with its lock, its condition variable or its slice (it is "
        "closed, bounded, counted, drained, looked at), or elements are added or taken in several places."
    ),
    "consumer-unclear": (
        "A channel has a bound, and nothing shows that somebody takes elements all the time: the loop that does must be "
        "started where the queue is made, and never end."
    ),
    "consumer-pushes": (
        "Whoever takes elements adds some as well, or calls what may: once the channel is full, it would wait for itself."
    ),
    "pushes-under-lock": (
        "A lock may be held where an element is added: once the channel is full, whoever takes elements may wait for that lock, "
        "and nobody makes room."
    ),
    # once-success.
    "once-not-plain": (
        "Which sync.Once this is, and who else may use it, cannot be told: it is embedded, exported, a pointer, in a struct "
        "without a name, or reached by more than one step."
    ),
    "once-is-reset": (
        "The sync.Once is assigned, its address is taken, or the struct that holds it is: it is not done once for good, and "
        "whoever begins anew with it does not know of anything beside it."
    ),
    "once-is-shared": "The same sync.Once has another Do somewhere: whichever comes first runs, the other never.",
    "first-caller-wins": (
        "What the sync.Once runs uses arguments or variables of the call that happens to come first; later callers get what "
        "was loaded for that one, whatever they ask for."
    ),
    "success-unclear": (
        "Where the loading has succeeded, and where it has failed, is not plain to see in what the sync.Once runs."
    ),
    "failure-not-seen": "The error of the load is dropped, so nobody knows whether it succeeded.",
    "failure-is-answer": (
        "A failure leaves a value that is good (a default, a fallback, false for what could not be detected): it is an "
        "answer, not something to see or to try again."
    ),
    "not-a-lazy-value": (
        "What the sync.Once runs ends something, or sets nothing but an error: that must happen once, whatever comes of it."
    ),
    "lost-on-second-call": (
        "What the sync.Once runs sets a variable of the calling function: only the first caller gets it, all later ones get "
        "the zero value, so that a failure looks like success without a value."
    ),
    "more-than-a-getter": (
        "More follows the sync.Once than a check of the error and a return, so it cannot be repeated on a fast path, or "
        "must not run under a lock."
    ),
    "load-adds-up": (
        "The load reads what it sets before it sets it, so a second try would add to what a first one left."
    ),
    "value-used-elsewhere": (
        "Other functions use the loaded value or its error without coming through here: a second try would write while "
        "they read."
    ),
    # exit-skips-defer.
    "not-main": (
        "The function is not main. It exits past its own deferred calls and those of its callers; it should return an "
        "error, and that changes its callers."
    ),
    "logger-exits": (
        "The process is ended by another package's logger or helper. No call of it is known that does the same and goes on."
    ),
    "nothing-to-clean-up": (
        "What the exit skips frees only what ends with the process anyway (a context, a lock, a timer), or is there for "
        "a panic."
    ),
    "deferred-call-exits": (
        "A deferred call ends the process itself, so that the exit code would be its own, and not the one it is now."
    ),
    "deferred-call-waits": (
        "A deferred call waits, and nothing shows that what it waits for was told to end: instead of exiting, the "
        "program could hang."
    ),
    "defers-assume-success": (
        "A deferred call commits, saves or publishes what was done, or says that all is done, which is not to happen when the "
        "program has failed."
    ),
    "closes-channel-in-use": (
        "A deferred call closes a channel that goroutines have, who may still send on it when the program exits: that "
        "would be a panic."
    ),
    "deferred-before-check": (
        "The call is deferred before the error is looked at that came with its value: where that failed, the value may be "
        "nil, and the deferred call would panic."
    ),
    "deferred-reads-later": (
        "The deferred literal reads a variable that is assigned later, so that it may find it unset, or changed, where the "
        "program exits."
    ),
    "cleans-up-itself": (
        "On the way to the exit the function does itself what a deferred call does, because the exit skips that: it would "
        "be done twice."
    ),
    "lock-held-at-exit": ("A lock is held where the program exits, and a deferred call may need it."),
    "meant-to-skip": ("A comment or message says that the exit is to be at once, without cleaning up."),
    "main-is-called": (
        "Something calls main, such as a test: it would end with it, where main returned to it until now."
    ),
    "code-behind-exit": (
        "Statements stand behind the exit. Behind a return nothing can reach them, which go vet reports."
    ),
    # defer-in-loop.
    "leaves-the-round": (
        "A return, goto, break or continue leads out of the part of the loop's body that would become a function of its own."
    ),
    "resource-outlives-round": (
        "What the deferred call closes is stored, returned, handed to a goroutine or otherwise still wanted when the round "
        "is over."
    ),
    "declared-outside-round": (
        "What the deferred call closes was not opened by a call in the same block, so that its end is not the end of the block."
    ),
    "held-on-purpose": (
        "It is open for the sake of being open (a listener and its port, a server, a lock file), or nothing in the round uses "
        "it: it is there for what follows the loop."
    ),
    "lock-deferred-in-loop": (
        "A lock is given back by defer in a loop. All of them are held over the loop on purpose, or the second round waits "
        "for ever; which one is meant cannot be told."
    ),
    "recovers-in-loop": ("A recover would end the panic of one round, and the loop would go on."),
    "deferred-uses-outer": (
        "The deferred literal sets or reads a variable from outside of the round, such as a result, which may be another at "
        "the end of the function."
    ),
    "deferred-call-unknown": (
        "The deferred call is not known to close what the round opened, and nothing else: it may be meant for the end of the "
        "function."
    ),
    "writes-into-shared": (
        "The deferred call writes what is left into something that the rounds share, so that its place among the other "
        "writes would change."
    ),
    "defer-in-inner-loop": (
        "A loop in the part that would become a function defers something itself; which end that is meant for comes first."
    ),
    # sleep-in-test.
    "same-instant": (
        "By a fake clock the sleep and something else (a timer, a timeout, a comparison of times) may come at the very same "
        "instant, where by a real one the sleep is always a little later."
    ),
    "leaves-the-bubble": (
        "The test reaches the network, a process, a file or the system: who waits for those keeps time from going on in a "
        "bubble."
    ),
    "call-out-of-sight": (
        "The test calls what cannot be looked into, so that nobody knows what it starts or waits for."
    ),
    "package-state": (
        "The test reaches a package-level variable that may hold a channel, a lock, a timer or a goroutine's work, which "
        "belong to no bubble, or to another one."
    ),
    "captured-state": (
        "The subtest uses a variable of the test around it that may hold a channel, a lock or a function, from outside of the "
        "bubble."
    ),
    "waits-under-lock": (
        "Something waits while it holds a lock. Who waits for that lock does not count as waiting in a bubble, so that time "
        "would stand still."
    ),
    "busy-wait": ("A loop asks again and again without waiting: in a bubble no time passes meanwhile."),
    "not-in-a-bubble": (
        "The test calls a method of its T that does not work in a bubble (Run, Parallel, Deadline, Setenv, a skip that would "
        "count as a success)."
    ),
    "measures-time": (
        "A measured time becomes a number or a text. By a bubble's clock it is exact, or nothing, which by a real one it never "
        "is."
    ),
    "absolute-time": ("The test names dates of the real calendar; a bubble's clock begins with the year 2000."),
    "duration-unknown": (
        "Something takes a duration that is computed, so that it cannot be told whether it ends together with a sleep."
    ),
    "sleeps-after-the-test": (
        "A goroutine sleeps, and nothing waits for it: in a bubble time stands still when the test is over, and the goroutine "
        "would never end."
    ),
    "in-a-bubble-already": ("The test uses testing/synctest already."),
    # counter-race.
    "counter-not-plain": (
        "The counter is declared or used in a way that has no atomic counterpart: with a value, in a composite literal, in a "
        "header, along with others, by another operator, of a narrow or defined type."
    ),
    "address-taken": (
        "The variable's address is taken, by the functions of sync/atomic or by others, so not every use of it can be seen."
    ),
    "checked-then-changed": (
        "A function reads the variable and changes it, which only a lock makes one step, and none can be put around it here: "
        "the function waits, calls others, or is a literal."
    ),
    "lock-elsewhere": (
        "Some uses of the variable hold a lock, or a comment or its struct has one for it: the others should hold it, too, and "
        "which one that is, is for a person to say."
    ),
    "read-by-reflection": (
        "Values of the struct are printed, compared or walked through by reflection, which would see another type."
    ),
    # recover-misplaced.
    "recover-not-deferred": (
        "The function that calls recover is not deferred: it is called, or started as a goroutine. recover gives nil there, "
        "and no panic ends."
    ),
    "recover-too-early": (
        "recover is an argument of a defer or go statement, which evaluates it at once, when nothing panics; it gives nil."
    ),
    "recover-of-other-goroutine": (
        "The function does nothing but start goroutines. A panic in one of them ends the program: only a deferred function of "
        "that very goroutine can recover from it."
    ),
    "panic-becomes-success": (
        "With a recover that works, the function would return to its caller as if all were well: with zero results and no "
        "error, as a test that passes, as a program with exit code 0."
    ),
    "panic-leaves-open": (
        "With a recover that works, a panic would skip what gives a lock back or tells somebody who waits, and the program "
        "would hang where it ended."
    ),
    "recovered-elsewhere": (
        "Another deferred call of the function recovers. Deferred calls run last in, first out: a second recover would take the "
        "panic from the one that does something about it."
    ),
}
