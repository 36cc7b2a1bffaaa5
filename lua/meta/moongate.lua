---@meta moongate
--- What Moongate gives to scripts, for editors that read LuaLS annotations.
-- Nothing here runs.
--
-- A hook has `script_budget` of CPU time, all scripts of a worker have
-- `script_memory`; what wants more is interrupted, and pcall does not catch it.
-- Of Lua's own functions these are bounded: string.rep makes 16 MiB at most,
-- load and loadstring take 256 KiB, os.date a format of 1000 bytes.
-- luacheck: ignore 241, no max line length

-- --- what hooks get ----------------------------------------------------------

--- A server, to read only.
---@class moongate.server
---@field name string  as configured
---@field index integer  1 for the first
---@field weight integer  0 to 256
---@field active integer  connections of all workers now
---@field queued integer  flows that wait for it
---@field maxconn integer  the most that `active` may be; 0: no limit
---@field fails integer  failed checks in a row
---@field latency_ms number  as servers:latency() was when something of this server changed last
---@field usable boolean  this flow may take it
---@field up boolean  by its checks
---@field draining boolean  no new work
---@field maint boolean  out of service
---@field backup boolean  used while no other server is in service

--- The servers of an upstream.
---@class moongate.servers
---@field [integer] moongate.server
local servers = {}

--- The number of this flow's turn: one higher for each new flow over all
-- workers, and the same for its retries.  Only in `pick`.
---@return integer
function servers:turn() end

--- The index of the usable server with the least load: (active + queued + 1) /
-- weight, or 0 where it has nothing; equals in turn; nil where none is usable.
-- Only in `pick`.
---@return integer?
function servers:least() end

--- How long a server takes to answer now: a peak-sensitive average over all
-- workers, which fades while nothing is asked of it (policy `latency`); 0 where
-- it has not answered yet.  At any time.
---@param index integer
---@return number  milliseconds
function servers:latency(index) end

--- A number that stays the same as long as the same servers are in service with
-- the same weights, and backups do or do not stand in for the others.  What is
-- full, or was tried, does not change it.  So a policy can keep what it made of
-- weights, and look at all servers only when this has changed.
---@return integer
function servers:generation() end

--- The index of the server that is chosen for all work of this upstream, in all
-- workers; nil when none is.  The choice lies on the board: it outlives workers
-- and scripts.
---@return integer?
function servers:chosen() end

--- Chooses a server for all work, where what chosen() answered last is chosen
-- still, and logs the change.  Nothing changes where another worker was faster,
-- or knows already that one of the two servers came into service or left it.
-- Only in `pick`.
---@param index integer
---@return integer?  the index of the server that is chosen now
function servers:choose(index) end


--- What a policy can rest on; until `pick` or `done` returns.
---@class moongate.flow
---@field client string  the client's address
---@field client_number integer?  that as 32 bits: IPv4 as it stands, the words of IPv6 by exclusive or
---@field port integer  the client's port
---@field listener string  the address and port that it came to
---@field uri string?  HTTP: path and query as they were sent
---@field path string?  HTTP: decoded, rewritten
---@field host string?  HTTP: lower case, without the port
---@field user string?  MySQL: who logs in
---@field schema string?  MySQL: that was named in the login
local flow = {}

--- Whether this flow has tried the server with this index.
---@param index integer
---@return boolean
function flow:tried(index) end

---@param name string
---@return string?
function flow:header(name) end

---@param name string
---@return string?
function flow:cookie(name) end

---@param name string
---@return string?
function flow:arg(name) end

--- A number of 32 bits for the address as it was sent, as HAProxy's `balance uri`
-- makes it, without making a string; nil on TCP.
---@param len? number  the bytes that count at most
---@param depth? number  the folders that count at most
---@param whole? boolean  the query counts, too
---@return integer?
function flow:uri_number(len, depth, whole) end

--- Likewise for the first element of a header, as `balance hdr` makes it; nil
-- where it is missing or empty, and on TCP.
---@param name string
---@return integer?
function flow:header_number(name) end

--- A number of 32 bits, the same in every worker.
---@param text string
---@return integer
function flow:hash(text) end


--- What became of a pick, or of a session; until `done` or `close` returns.
---@class moongate.result
---@field ok boolean
---@field error string?  in words, unless ok; of a session: why it ended
---@field status integer  of HTTP; 0 on TCP
---@field connect_ms number
---@field total_ms number
---@field bytes_in number  from the client
---@field bytes_out number  to the client
---@field queries number  of a MySQL session with visible = on; 0 elsewhere
---@field transactions number  likewise
---@field errors number  likewise: answers that were one


--- A client that has connected; until `accept` or `close` returns, or as long as
-- the login lasts.
---@class moongate.conn
---@field client string
---@field port integer
---@field listener string
---@field ctx table  kept over the hooks of this session; in tcp and mysql


--- Who a MySQL client says it is, before anybody has verified it; as long as the
-- login lasts, until one of its hooks has decided.
---@class moongate.login
---@field user string
---@field schema string?  none was named
---@field charset integer  the number of the collation: 45 is utf8mb4_general_ci
---@field attributes table<string, string>  of the connection: program_name, _pid ...; the first value of each name
---@field plugin string?  how the client would authenticate: mysql_native_password ...
---@field tls boolean  it came by TLS


--- A request; until the exchange ends.
---@class moongate.req
---@field method string
---@field uri string  path and query as they were sent
---@field path string  decoded, rewritten
---@field query string?  without the question mark
---@field args table<string, string>  the first value of each name, decoded
---@field headers table<string, string>  names in lower case
---@field host string?  lower case, without the port
---@field scheme string  "http" or "https": what a proxy in `trust` says, or how it came
---@field version string  "1.0" or "1.1"
---@field client string
---@field port integer
---@field listener string
---@field ctx table  kept over the hooks of this request
local req = {}

--- The body, once all of it has come; "" without one.  It waits, and only in
-- `request`.  The reason "too large" means that it is larger than `max`; it goes
-- to the server in any case.
---@param max integer?  bytes; 1048576 unless given
---@return string?, string? reason
function req:body(max) end

---@param name string  in any case of letters
---@return string?
function req:header(name) end

---@param name string
---@return string?
function req:cookie(name) end

---@param name string
---@return string?  decoded
function req:arg(name) end

--- Whether a path is a regular file below the root.
---@param path string?  the request's own
---@return boolean
function req:file_exists(path) end

--- The part of a path that is a regular file below the root: all of it, or the
--- shortest that leads up to a slash ("/index.php" of "/index.php/blog").
---@param path string?  the request's own
---@return string?
function req:file_prefix(path) end

--- Sets a request header, for the server and later hooks; nil removes it.
---@param name string
---@param value string|number|nil
---@return true?, string? reason
function req:set_header(name, value) end

--- Goes on with another path, and another query where one is given.
---@param path string
---@param query string?
---@return true?, string? reason
function req:rewrite(path, query) end


--- A response: whoever answered, a server, a file or the program itself.  Until
-- the hook returns.
---@class moongate.res
---@field status integer?  none in `log` where there was no answer
---@field server string?  the server that was used last
---@field upstream_ms number?  until the head of the server's answer was there
local res = {}

--- The first header of this name.  What frames the message (Connection,
-- Transfer-Encoding, a length that is not known before) is there in `log` only.
---@param name string  in any case of letters
---@return string?
function res:header(name) end

--- Sets a header in place of all of that name; nil removes them.  Only in
-- `response`, as what follows.
---@param name string
---@param value string|number|nil
---@return true?, string? reason
function res:set_header(name, value) end

--- Adds a header beside those of that name: another cookie.
---@param name string
---@param value string|number
---@return true?, string? reason
function res:add_header(name, value) end

--- Sets the status; 204 and 304 drop the body.
---@param status integer  200 to 599
---@return true?, string? reason
function res:set_status(status) end


--- A server that is checked, to read only; as it is now, each time a field is
-- read.  It may be kept from check to check.
---@class moongate.checked: moongate.server
---@field upstream string  the name of its upstream
---@field host string  where it is now: an address; or "unix:/PATH"
---@field port integer?  none for a Unix socket
---@field address string  the two: "HOST:PORT", "[V6]:PORT" or "unix:/PATH"


-- --- what hooks return -------------------------------------------------------

--- Where to go instead, and how urgent it is.  A priority alone is no decision:
-- the next script is asked, and what it says of priorities goes.
---@class moongate.route
---@field upstream string?  may be left out where there is a priority
---@field server string?  of that upstream
---@field priority integer?  -2047 to 2047; in queues the smaller go first; 0 unless given

--- An answer, as moongate.reply makes it.
---@class moongate.answer
---@field status integer
---@field headers table<string, string|number|(string|number)[]>?
---@field body string?


--- What a script for a section returns.
--
-- `response` is called in http when the head of the final answer is there and
-- nothing of it has left; `log` when the exchange is over, before its record is
-- written, and whether or not one is.  Neither hears of requests that are refused
-- before any hook: what was not understood, and files whose names begin with a
-- dot.  All scripts of the section are called, in order; where one raises, what
-- it has changed stays, and the next is called.
--
-- `log` may return up to 16 fields of the record.  Names are 1 to 32 letters,
-- digits and _, and none that `json` has itself; texts are cut to 256 bytes; what
-- a later script says of a name goes.
--
-- `login` is called in mysql when the client has said who it is; where it fails,
-- the login is refused.
--
-- `close` is called in tcp and mysql when a session has ended, also one that
-- `accept` refused.
--
-- `request` and `login` may wait: for sleep(), tcp.connect() and req:body(), and
-- on connections.  A request that waits for longer than server_timeout in all is
-- over, and the answer is 504; so is a login, after header_timeout.
---@class moongate.section_hooks
---@field load fun(saved: any)?  before it serves; what `save` of the version before returned, or nil
---@field save (fun(): any)?  before a newer version takes over: a plain value for its `load`
---@field request (fun(req: moongate.req): moongate.route|moongate.answer|nil)?
---@field response fun(res: moongate.res, req: moongate.req)?
---@field log (fun(req: moongate.req, res: moongate.res): table<string, string|number|boolean>?)?
---@field accept (fun(conn: moongate.conn): moongate.route|false|nil, string?)?
---@field login (fun(login: moongate.login, conn: moongate.conn): moongate.route|false|nil, string?)?
---@field close fun(conn: moongate.conn, result: moongate.result)?

--- What a policy returns.  Where `new` gives a state, it is the first argument
-- of `pick`, `done` and `state`, before those that are named here.
--
-- `pick` answers the index of a server that is usable; or any in service and
-- "wait", and the flow waits for this very server when it is full, or goes
-- there again when it was tried; or nil and the reason of a refusal.
---@class moongate.policy_hooks
---@field waits boolean?  `pick` may answer "wait": it is called even if no server is usable, as long as one is in service
---@field load fun(saved: any)?  before it serves; what `save` of the version before returned, or nil
---@field save (fun(): any)?  before a newer version takes over: a plain value for its `load`
---@field new (fun(options: table<string, string>): any)?
---@field pick fun(flow: moongate.flow, servers: moongate.servers): integer?, string?
---@field state fun(server: moongate.server, up: boolean, why: string)?  it has come up or gone down; called in every worker
---@field done fun(flow: moongate.flow, server: moongate.server, result: moongate.result)?

--- What the script of `check = lua` returns.  `check` is called in the control
-- process, and may wait: for sleep(), tcp.connect() and http.get(), and on
-- connections.
-- Raising, and returning anything else, is a failed check.
---@class moongate.check_hooks
---@field load fun(saved: any)?  before it serves; what `save` of the version before returned, or nil
---@field save (fun(): any)?  before a newer version takes over: a plain value for its `load`
---@field check fun(server: moongate.checked): boolean, string?


-- --- the module --------------------------------------------------------------

---@class moongate
---@field worker integer  the number of this worker; -1 in the control process
local moongate = {
  log = {},
  hash = {},
  base64 = {},
  json = {},
  metric = {},
  tcp = {},
  http = {},
}

--- Each takes the parts of a line, or a function that gives it and is called
-- only where the level is on.
---@param ... any
function moongate.log.debug(...) end

---@param ... any
function moongate.log.info(...) end

---@param ... any
function moongate.log.warn(...) end

---@param ... any
function moongate.log.error(...) end

--- Seconds since 1970, with thousandths.
---@return number
function moongate.now() end

--- Calls a function once, later, in this worker; it may wait, as hooks do that
-- may.  It ends with this version of the script, called or not.  A script may
-- have 256 timers at a time.
---@param seconds number  0 to 2678400, which is 31 days
---@param f fun()
---@return true?, string? reason
function moongate.after(seconds, f) end

--- Calls a function again and again, likewise, until it returns false.  A call
-- that comes late, since the one before has waited, is left out.
---@param seconds number  0.01 to 2678400
---@param f fun(): false?
---@return true?, string? reason
function moongate.every(seconds, f) end

--- Waits, while all else goes on.  Only in `request`, `login`, `check` and timers.
---@param seconds number  0 to 86400
function moongate.sleep(seconds) end

--- Connects.  Only in `request`, `login`, `check` and timers; the connection ends with
-- the hook's call, and at most 32 of it are open.
---@param host string  an address, a name, or "unix:/PATH"
---@param port integer?  none for a Unix socket
---@param options moongate.connect_options?
---@return moongate.connection?, string? reason
function moongate.tcp.connect(host, port, options) end

---@class moongate.connect_options
---@field timeout number?  seconds that each operation may take; else as long as the hook may
---@field tls boolean?  true: by TLS, 1.2 or later; what follows is for it
---@field verify boolean?  false: whoever answers is believed
---@field ca string?  certificates that are trusted, as PEM, which read_file gives; else the system's
---@field name string?  that is verified, and told to the server; else the host

--- Asks a server for what a URL names (http:// or https://), and waits for the
-- whole answer.  Redirects are not followed.  Connections are kept for the next
-- request; one that turns out to be closed is replaced once, unnoticed.  Where
-- and as tcp.connect.
---@param url string
---@param options moongate.http_options?
---@return moongate.http_answer?, string? reason
function moongate.http.get(url, options) end

--- Sends a text to what a URL names, likewise; but never twice, so that it may
-- fail on a kept connection that the server closes: "closed".
---@param url string
---@param body string
---@param options moongate.http_options?
---@return moongate.http_answer?, string? reason
function moongate.http.post(url, body, options) end

---@class moongate.http_options
---@field headers table<string, string|number|(string|number)[]>?  those that frame the request are the program's
---@field timeout number?  seconds for all of it: 5
---@field max_body integer?  bytes of an answer: 1 MiB; more is nil, "too large"
---@field verify boolean?  false: whoever answers https:// is believed
---@field ca string?  certificates that are trusted, as PEM, which read_file gives; else the system's

---@class moongate.http_answer
---@field status integer
---@field headers table<string, string|string[]>  names in small letters; several values are joined by ", ", but set-cookie is an array
---@field body string

--- A connection; its methods wait.
---@class moongate.connection
local connection = {}

--- Sends all of a text.
---@param text string|number
---@return true?, string? reason
function connection:send(text) end

--- Receives a line ("*l", which is meant where nothing is given), without its
-- end; all up to the end ("*a"); or so many bytes.  What comes before it is
-- complete is kept up to a megabyte.  The reason is "closed" at the end,
-- "timeout", or the system's.
---@param what string|integer|nil  "*l", "*a" or a number of bytes
---@return string?, string? reason, string? part  what had come
function connection:receive(what) end

--- Closes; closing twice does nothing.
function connection:close() end

--- An answer, for `request` to return.
---@param status integer  200 to 599
---@param headers table<string, string|number|(string|number)[]>?
---@param body string?
---@return moongate.answer
function moongate.reply(status, headers, body) end

--- A redirect, for `request` to return.
---@param url string
---@param code integer?  301, 302 (if left out), 303, 307 or 308
---@return moongate.answer
function moongate.redirect(url, code) end

--- The servers of an upstream.
---@param name string
---@return moongate.servers?, string? reason
function moongate.upstream(name) end

--- The text of a file below script_path; while the script loads only.
---@param path string
---@return string?, string? reason
function moongate.read_file(path) end

--- Policies made of policies; also `require "moongate.policy"`.  Only while a
-- script loads.  A name means policy/NAME.lua.
moongate.policy = {}

--- The first policy that answers a server which the flow can use.
---@param ... moongate.policy_hooks|string
---@return moongate.policy_hooks
function moongate.policy.first_of(...) end

--- The same value, the same server; nothing where the flow has no such value.
---@param source string  cookie:NAME, header:NAME, arg:NAME, client, uri, path, user or schema
---@param options { hash: "map-based"|"consistent" }?
---@return moongate.policy_hooks
function moongate.policy.hash(source, options) end

--- A policy with options.
---@param policy moongate.policy_hooks|string
---@param options table<string, string>
---@return moongate.policy_hooks
function moongate.policy.named(policy, options) end

--- A policy that sees half a server's weight for each check in a row that has
-- failed while it is up.  Looks at all servers at each pick.
---@param policy moongate.policy_hooks|string
---@return moongate.policy_hooks
function moongate.policy.by_health(policy) end
--- A dictionary that all workers and the control process see, made when it is
-- first asked for; at most 64.  It outlives workers and versions of scripts.
-- All share the memory of `shared_memory`: when it is full, the entry that was
-- used longest ago goes.  Can be called, and used, in every hook.
---@param name string  1 to 32 letters, digits, "_", "." and "-"
---@return moongate.dictionary?, string? reason
function moongate.shared(name) end

--- Keys are texts of 1 to 255 bytes; other lengths give nil and a reason.
-- Every call is atomic.
---@class moongate.dictionary
local dictionary = {}

---@param key string
---@return string|number|boolean|nil, string? reason
function dictionary:get(key) end

--- Sets a value.  Without an expiry it stays until it has to make room.
---@param key string
---@param value string|number|boolean  a string of at most 16384 bytes
---@param expiry number?  seconds, in thousandths
---@return true?, string? reason
function dictionary:set(key, value, expiry) end

--- Sets a value where there is none; of several callers one succeeds.
---@param key string
---@param value string|number|boolean
---@param expiry number?  seconds
---@return true?, string? reason  "exists" where there is one
function dictionary:add(key, value, expiry) end

--- Adds to a number, which keeps its expiry.  Where there is none, it becomes
-- init + by, for as long as is said.
---@param key string
---@param by number
---@param init number?  without it nothing is made
---@param expiry number?  seconds
---@return number?, string? reason  the sum; "not found", "not a number"
function dictionary:incr(key, by, init, expiry) end

---@param key string
---@return true?, string? reason  "not found"
function dictionary:delete(key) end

--- A number that only grows.  Who asks for the same metric gets the same; names
-- that begin with "moongate_" are the program's.  What is counted is summed over
-- the workers, and stays until the program ends.
---@param name string  at most 63 letters, digits and "_"
---@param help string  a sentence
---@param labels string[]?  the names of at most 6 labels
---@return moongate.counter?, string? reason
function moongate.metric.counter(name, help, labels) end

--- A number that goes up and down.  Each worker has its part, which ends with
-- it; what is shown is the sum.
---@param name string
---@param help string
---@param labels string[]?
---@return moongate.gauge?, string? reason
function moongate.metric.gauge(name, help, labels) end

--- How many values were how large.
---@param name string
---@param help string
---@param labels string[]?
---@param buckets number[]?  at most 24 ascending upper ends; else Prometheus's usual ones, from 0.005 to 10
---@return moongate.histogram?, string? reason
function moongate.metric.histogram(name, help, labels, buckets) end

--- Where a metric has labels, each call gives a value for all of them, as in
-- `{ code = 200 }`; what of it is longer than 63 bytes is cut.  Of all metrics
-- together there are at most 4096 combinations of values: what comes beyond
-- them is dropped, which is counted, and gives nil and a reason.
---@class moongate.counter
local counter = {}

---@param by number?  0 or more; 1 unless given
---@param labels table<string, string|number|boolean>?
---@return true?, string? reason
function counter:inc(by, labels) end

---@class moongate.gauge
local gauge = {}

---@param by number?  1 unless given
---@param labels table<string, string|number|boolean>?
---@return true?, string? reason
function gauge:inc(by, labels) end

---@param value number
---@param labels table<string, string|number|boolean>?
---@return true?, string? reason
function gauge:set(value, labels) end

---@class moongate.histogram
local histogram = {}

---@param value number
---@param labels table<string, string|number|boolean>?
---@return true?, string? reason
function histogram:observe(value, labels) end

--- MurmurHash3, 32 bits.
---@param text string
---@param seed integer?
---@return integer
function moongate.hash.murmur(text, seed) end

--- A digest in hexadecimal digits, or as bytes.  No text is larger than 4 MiB.
---@param text string
---@param binary boolean?
---@return string
function moongate.hash.sha1(text, binary) end

---@param text string
---@param binary boolean?
---@return string
function moongate.hash.sha256(text, binary) end

---@param text string
---@param binary boolean?
---@return string
function moongate.hash.sha512(text, binary) end

--- HMAC (RFC 2104), likewise.
---@param kind "sha1"|"sha256"|"sha512"
---@param key string
---@param text string
---@param binary boolean?
---@return string
function moongate.hash.hmac(kind, key, text, binary) end

--- Whether two texts are the same, in a time that does not tell where they
-- differ: for signatures.
---@param a string
---@param b string
---@return boolean
function moongate.hash.equal(a, b) end

--- Base64 (RFC 4648, 4), with padding; up to 4 MiB.
---@param text string
---@return string
function moongate.base64.encode(text) end

--- Strict: no other bytes, no line ends, no padding that is missing.
---@param text string
---@return string?, string? reason
function moongate.base64.decode(text) end

--- The alphabet for URLs (RFC 4648, 5), without padding.
---@param text string
---@return string
function moongate.base64.encode_url(text) end

---@param text string  padded or not
---@return string?, string? reason
function moongate.base64.decode_url(text) end

--- Reads JSON (RFC 8259), strictly: up to 4 MiB, 64 levels, in UTF-8, no name
-- twice in an object.  null is moongate.json.null; arrays are marked as such, and
-- so cannot get another metatable.
---@param text string
---@return any, string? reason  "what is wrong at byte N"
function moongate.json.decode(text) end

--- Writes JSON.  A table whose keys are 1 to n is an array, or one that is
-- marked; any other an object, whose keys have to be strings; in which order
-- they come is not said.  Raises for functions and the like.
---@param value any
---@return string?, string? reason  too large, too deep, not UTF-8, not finite
function moongate.json.encode(value) end

--- Marks a table as an array, which an empty one is not by itself.
---@param value table
---@return table  the same
function moongate.json.array(value) end

--- What stands for null, in what is read and in what is written.
---@type any
moongate.json.null = nil


return moongate
