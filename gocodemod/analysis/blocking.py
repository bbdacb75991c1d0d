"""What a call that cannot be looked into does to the time, by its name alone: known to come back, or known to wait.

Names are full ones, as the type checker gives them: ``fmt.Println``, ``(*net/http.Server).Serve``.
"""

from __future__ import annotations

import re

from gocodemod.analysis import names

# Packages whose functions come back by themselves. What reads or writes through an interface is left out below.
_QUIET = frozenset(
    {
        "bytes", "cmp", "context", "crypto", "embed", "errors", "expvar", "fmt", "hash", "html", "iter", "log", "maps",
        "math", "mime", "path", "reflect", "regexp", "runtime", "slices", "sort", "strconv", "strings", "sync", "time",
        "unicode", "unique", "unsafe",
    }
)  # fmt: skip
_QUIET_TREES = (
    "container/", "crypto/", "encoding/", "go/", "hash/", "log/", "math/", "net/netip", "net/url", "path/", "regexp/",
    "runtime/", "sync/atomic", "text/", "unicode/",
)  # fmt: skip
FILES = ("os", "io/fs", "io/ioutil", "path/filepath")
# Not quiet though their packages are: they read, write or call what only the value knows, or wait.
_NOT_QUIET = re.compile(
    r"fmt\.(Fp|Sc|Fsc|Ss)\w*|.*\.(Decode|DecodeToken|Token|More|Encode|Execute|ExecuteTemplate|Write|WriteTo|Flush|ReadFrom)"
    r"|crypto/tls\.\w+|\(\*crypto/tls\.\w+\)\.\w+|reflect\.Select|\(reflect\.Value\)\.(Call|CallSlice|Recv|Send)"
    r"|\(\*sync\.Once\)\.Do|sync\.OnceFunc|context\.AfterFunc|\(\*os\.File\)\.(Read|ReadFrom|WriteTo)|os\.(Pipe|StartProcess)"
    r"|\(\*os\.Process\)\.Wait|log\.Writer|time\.AfterFunc|\(\*sync\.(WaitGroup|Cond)\)\.(Wait|Go)"
)
_MEMORY = re.compile(
    r"\(\*?(bytes\.\w+|strings\.\w+|os\.File|hash/\w+\.\w+|hash\.\w+)\)\.(Write\w*|Flush|Encode)|fmt\.Ss\w+"
)
# What only looks at addresses, and regular expressions of any package.
_ADDRESSES = re.compile(
    r"net\.(JoinHostPort|SplitHostPort|Parse\w+|IPv4\w*|CIDRMask)|\(\*?net\.(IP|IPNet|IPMask|HardwareAddr)\)\.\w+"
    r"|(\(\*?)?[\w./-]+/regexp\b.*"
)
# Methods that a value of any type may have and that answer at once.
_ANSWERS = frozenset({"(error).Error", "(fmt.Stringer).String"})
_LOG_WORDS = frozenset(
    {"log", "logger", "logging", "logrus", "zap", "zerolog", "hclog", "klog", "glog", "slog", "logr"}
)
_LOG_CALLS = frozenset(
    {
        "trace", "debug", "info", "warn", "warning", "error", "print", "println", "printf", "tracef", "debugf", "infof",
        "warnf", "warningf", "errorf", "tracew", "debugw", "infow", "warnw", "errorw", "debugln", "infoln", "warnln",
        "errorln", "errorcontext", "infocontext", "debugcontext", "warncontext", "fatal", "fatalf", "logf",
    }
)  # fmt: skip

# They come back when the listener or the server is closed, or never.
_NEVER = re.compile(
    r"(.*\.)?(ListenAndServe\w*|ServeTLS|ServeHTTPS|Serve)|net/rpc\.(Accept|ServeConn|ServeCodec)|\(\*net/rpc\.Server\)\.(Accept|Serve\w+)"
)
_COPIES = frozenset({"Copy", "CopyN", "CopyBuffer", "StdCopy"})
# First words of calls that wait for somebody else.
_WAITING = frozenset(
    {
        "accept", "serve", "wait", "await", "read", "recv", "receive", "run", "loop", "poll", "watch", "subscribe", "consume",
        "forever", "block", "join", "lock", "rlock", "stream", "tail", "follow", "scan", "next", "monitor", "supervise", "acquire", "listen",
        "pull", "decode", "select", "pump", "drain", "blpop", "brpop", "session", "exec", "output", "combined", "proxy",
    }
)  # fmt: skip
_COMES_BACK = re.compile(
    r"\(\*database/sql\.(Rows?|DB|Tx|Stmt|Conn)\)\.\w+|net\.Listen\w*|\(\*net\.ListenConfig\)\.\w+|\(\*?net/http\.Client\)\.Do"
    r"|net/http\.(Get|Post|Head|PostForm)|\(\*golang.org/x/sync/singleflight\.Group\)\.Do"
)


def package_of(name: str) -> str:
    """Import path of a full name: ``(*sync/atomic.Pointer[T]).Load`` -> ``sync/atomic``."""
    head = name.lstrip("(*").split(")")[0] if name.startswith("(") else name
    slash = head.rfind("/") + 1
    dot = head.find(".", slash)
    return head[:dot] if dot >= 0 else ""


def last_of(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def quiet(name: str) -> bool:
    """Whether the call is known to come back by itself soon, so that nobody need look at it."""
    if (
        _MEMORY.fullmatch(name)
        or _ADDRESSES.fullmatch(name)
        or name in _ANSWERS
        or name.startswith("(context.Context).")
    ):
        return True
    package = package_of(name)
    if _logs(name, package):
        return True
    if _NOT_QUIET.fullmatch(name):
        return False
    if package in _QUIET or package in FILES or package.startswith(_QUIET_TREES):
        return True
    # What only makes something, in the standard library.
    return last_of(name).startswith("New") and "." not in package.split("/")[0] and not name.startswith("(")


def _logs(name: str, package: str) -> bool:
    """Loggers of any package: their calls, and what makes one."""
    elements = {w for part in package.split("/")[-2:] for w in re.split(r"[.\-_]|v\d+$", part)}
    owner = name.split(")")[0].rsplit(".", 1)[-1].lower() if name.startswith("(") else ""
    about_logs = bool(elements & _LOG_WORDS) or owner in ("logger", "sugaredlogger", "entry", "interceptlogger")
    return about_logs and (last_of(name).lower() in _LOG_CALLS or bool(elements & _LOG_WORDS))


def never(name: str) -> bool:
    """Whether the call serves: it comes back when what it serves is closed, or never."""
    return bool(_NEVER.fullmatch(name)) and package_of(name).split("/")[0] in ("net",)


def waits(name: str) -> bool:
    """Whether the name says that the call waits for somebody else: a peer, a process, a message, a result."""
    if _COMES_BACK.fullmatch(name):
        return False
    last = last_of(name)
    if last in _COPIES or _NEVER.fullmatch(name):
        return True
    package = package_of(name)
    if package == "os/exec":
        return last in ("Run", "Wait", "Output", "CombinedOutput")
    return names.first_word(last) in _WAITING
