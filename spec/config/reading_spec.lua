--- The rules by which the text of a configuration is read: lines, names,
-- quotes, comments, indentation, doubles, files.
local config = require "support.config"

local text = config.text

local SECTION = config.SECTION


--- One rule each: a text, what it is at fault for, or what it means.  `value`
-- is looked at in a configuration without faults.
local CASES = {
  -- Lines.
  {
    name = "takes lines that end with CR LF",
    text = "[global]\r\nuser = a\r\n" .. SECTION,
    value = function(c)
      return text(c.global.user)
    end,
    is = "a",
  },
  {
    name = "takes a byte order mark at the start of the file",
    text = "\239\187\191[global]\nuser = a\n" .. SECTION,
    value = function(c)
      return text(c.global.user)
    end,
    is = "a",
  },
  {
    name = "takes a last line without its end",
    text = "[http h]\nlisten = 127.0.0.1:8080\nroot = /srv",
    value = function(c)
      return text(c.sections[0].http.root.source)
    end,
    is = "/srv",
  },
  {
    name = "takes a line of the library's length",
    text = SECTION .. "root = /" .. ("a"):rep(190) .. "\n",
    value = function(c)
      return tonumber(c.sections[0].http.root.source.len)
    end,
    is = 191,
  },
  {
    name = "refuses a line over the library's limit",
    text = SECTION .. "root = /" .. ("a"):rep(191) .. "\nindxe = a\n",
    faults = {
      "c:3: the line has 199 bytes and may have 198: continue the value on an "
        .. "indented line",
      "c:4: unknown key 'indxe' in [http]; did you mean 'index'?",
    },
  },
  {
    name = "does not take the rest of a long line for a key",
    text = SECTION .. "; " .. ("a"):rep(197) .. "user = a\n",
    faults = {
      "c:3: the line has 207 bytes and may have 198: continue the value on an "
        .. "indented line",
    },
  },
  {
    name = "refuses control characters and NULs",
    text = SECTION .. "root = /a\0b\nindex = a\27b\n",
    faults = {
      "c:3: a control character (byte 10, code 0): the file is plain text",
      "c:4: a control character (byte 10, code 27): the file is plain text",
    },
  },
  {
    name = "refuses a line that is neither a key nor a section",
    text = SECTION .. "root\n= /srv\n",
    faults = {
      "c:3: 'root' is not a key with its value: write NAME = VALUE",
      "c:4: there is no name before the '='",
    },
  },
  {
    name = "refuses a key before any section, and says so once",
    text = "user = a\ngroup = b\n" .. SECTION,
    faults = { "c:1: stands before any section: begin with [global]" },
  },

  -- Separators.
  {
    name = "refuses ':' before '='",
    text = SECTION .. "root: /srv = x\n",
    faults = {
      "c:3: ':' does not part a name from its value: write 'root = VALUE'",
    },
  },
  {
    name = "refuses ':' in place of '='",
    text = SECTION .. "root : /srv\n",
    faults = {
      "c:3: ':' does not part a name from its value: write 'root = VALUE'",
    },
  },
  {
    name = "takes ':' and '=' in a value",
    text = SECTION .. "header = X-A a:b=c\n",
    value = function(c)
      return text(c.sections[0].http.headers[0].value.source)
    end,
    is = "a:b=c",
  },

  -- Names.
  {
    name = "takes a name of 32 bytes",
    text = "[http " .. ("a"):rep(30) .. ".-]\nlisten = 8080\n",
    value = function(c)
      return text(c.sections[0].name)
    end,
    is = ("a"):rep(30) .. ".-",
  },
  {
    name = "refuses a name of 33 bytes",
    text = "[http " .. ("a"):rep(33) .. "]\nlisten = 8080\n",
    faults = {
      "c:1: '" .. ("a"):rep(33) .. "' is not a name: 1 to 32 of A-Z a-z 0-9 "
        .. "_ . and -",
    },
  },
  {
    name = "refuses names with other characters",
    text = SECTION .. "[upstream a/b]\nserver a = b:1\n[upstream u]\n"
      .. "server b@c = d:1\nserver = d:1\n",
    faults = {
      "c:3: 'a/b' is not a name: 1 to 32 of A-Z a-z 0-9 _ . and -",
      "c:5: [upstream u] has no server: add server NAME = HOST:PORT",
      "c:6: a server needs a name of 1 to 32 of A-Z a-z 0-9 _ . and -: write "
        .. "server NAME = HOST:PORT",
      "c:7: a server needs a name of 1 to 32 of A-Z a-z 0-9 _ . and -: write "
        .. "server NAME = HOST:PORT",
    },
  },
  {
    name = "refuses a name before the '=' of another key",
    text = SECTION .. "root main = /srv\n",
    faults = {
      "c:3: 'root main' is not a key: only 'server' has a name before the '='",
    },
  },

  -- Sections.
  {
    name = "refuses text after ']'",
    text = "[http h] listen = 80\nlisten = 8080\n",
    faults = {
      "c:1: text after ']': write keys on lines of their own, and comments "
        .. "after ' ;'",
    },
  },
  {
    name = "takes a comment after ']'",
    text = "[http h] ; here\nlisten = 8080\n",
    value = function(c)
      return text(c.sections[0].name)
    end,
    is = "h",
  },
  {
    name = "refuses a section without ']', and is silent on its keys",
    text = "[http h\nlisten = 8080\n" .. SECTION,
    faults = { "c:1: the section's ']' is missing: write [KIND NAME]" },
  },
  {
    name = "names the nearest section",
    text = "[upstraem u]\nx = 1\n[HTTP h]\n[xyz]\n" .. SECTION,
    faults = {
      "c:1: unknown section [upstraem]; did you mean 'upstream'?",
      "c:3: unknown section [HTTP]; did you mean 'http'?",
      "c:4: unknown section [xyz]",
    },
  },
  {
    name = "refuses statistics for everybody",
    text = "[stats s]\nlisten = 8888\nuri = dbs\nauth = me\n" .. SECTION,
    faults = {
      "c:2: without auth, [stats] listens on loopback only: write auth = "
        .. "USER:PASSWORD, or listen = 127.0.0.1:PORT",
      "c:3: uri: 'dbs' is no path: it begins with / and has none of ? # ; "
        .. "% and quotes",
      "c:4: auth: write USER:PASSWORD, or USER:HASH as htpasswd makes it",
    },
  },
  {
    name = "refuses statistics that anybody may change or that share a port",
    text = "[stats s]\nlisten = 127.0.0.1:81\nadmin = on\n[stats t]\n"
      .. "listen = 127.0.0.1:81\n[stats u]\nlisten = 127.a.example:82\n"
      .. SECTION,
    faults = {
      "c:1: [stats s]: admin = on needs auth, since any page in a browser on "
        .. "this machine could send its forms",
      "c:5: '127.0.0.1:81' is taken at c:2: [stats] needs an address of its "
        .. "own",
      "c:7: without auth, [stats] listens on loopback only: write auth = "
        .. "USER:PASSWORD, or listen = 127.0.0.1:PORT",
    },
  },
  {
    name = "refuses statistics at another section's address",
    text = "[stats s]\nlisten = 127.0.0.1:80\n[stats t]\n[http h]\n"
      .. "listen = 127.0.0.1:80\nroot = /\n",
    faults = {
      "c:2: '127.0.0.1:80' is taken at c:5: [stats] needs an address of its "
        .. "own",
      "c:3: [stats t] listens nowhere: write listen, or route = /PATH stats t "
        .. "in [http]",
    },
  },
  {
    name = "refuses routes to statistics that cannot be",
    text = "[stats s]\nauth = a:b\n[stats t]\nlisten = 127.0.0.1:81\n"
      .. "[http h]\nlisten = 80\nroute = / deny\nroute = /a stats s\n"
      .. "route = /b stats t\nroute = /c stats ss\nroute = = /d stats s\n"
      .. "route = ~ ^/e stats s\nroute = /f/ stats s\n"
      .. "route = /g;h stats s\nroute = /i stats s now\n"
      .. "route = /j root=/k stats s\n",
    faults = {
      "c:9: route: [stats t] has no auth, and this section listens on more "
        .. "than loopback: write auth = USER:PASSWORD there",
      "c:10: route: there is no [stats ss]; did you mean 's'?",
      "c:11: route: there is more below the page than its path: write /PATH "
        .. "stats s, or ^~ /PATH stats s",
      "c:12: route: there is more below the page than its path: write /PATH "
        .. "stats s, or ^~ /PATH stats s",
      "c:13: route: the page is at the path itself: write '/f'",
      "c:14: route: '/g;h' is no path: it begins with / and has none of ? # ; "
        .. "% and quotes",
      "c:15: route: 'now' follows the target 'stats': options stand before "
        .. "it, and a pattern with blanks stands in double quotes",
      "c:16: route: root= and alias= are for files",
    },
  },
  {
    name = "refuses a missing or a needless name of a section",
    text = "[http]\nlisten = 80\n[global g]\nuser = a\n[http a b]\n" .. SECTION,
    faults = {
      "c:1: [http] needs a name: write [http NAME]",
      "c:3: [global] has no name of its own: write [global]",
      "c:5: 'a b' is not a name: 1 to 32 of A-Z a-z 0-9 _ . and -",
    },
  },
  {
    name = "refuses a section that is there twice",
    text = "[global]\nuser = a\n[global]\ngroup = b\n" .. SECTION,
    faults = {
      "c:3: [global] stands at c:1 already: write all of its keys there",
    },
  },
  {
    name = "takes sections of two kinds with the same name",
    text = SECTION .. "[upstream h]\nserver a = b:1\n",
    value = function(c)
      return tonumber(c.upstream_count + c.section_count)
    end,
    is = 2,
  },

  -- Keys.
  {
    name = "names the nearest key",
    text = SECTION .. "sever_name = a\nmax_boddy = 1m\nRoot = /srv\n",
    faults = {
      "c:3: unknown key 'sever_name' in [http]; did you mean 'server_name'?",
      "c:4: unknown key 'max_boddy' in [http]; did you mean 'max_body'?",
      "c:5: unknown key 'Root' in [http]; did you mean 'root'?",
    },
  },
  {
    name = "names no key where none is near",
    text = SECTION .. "zzzzzz = a\n",
    faults = { "c:3: unknown key 'zzzzzz' in [http]" },
  },
  {
    name = "says where a key belongs",
    text = SECTION .. "workers = 2\nupstream = u\n",
    faults = {
      "c:3: 'workers' is no key of [http]; it belongs in [global]",
      "c:4: 'upstream' is no key of [http]; it belongs in [tcp], [mysql]",
    },
  },
  {
    name = "knows the words of nginx and HAProxy",
    text = "[http h]\nbind = 80\nlisten = 8080\nlocation = / x\n"
      .. "[upstream u]\nserver a = b:1\nbalance = source\n",
    faults = {
      "c:2: 'bind' is called 'listen' here",
      "c:4: 'location' is called 'route' here",
      "c:7: 'balance' is called 'policy' here",
    },
  },
  {
    name = "refuses a key that is there twice",
    text = SECTION .. "root = /a\nindex = a\nroot = /a\n",
    faults = { "c:5: 'root' stands on line 3 already: keep one of them" },
  },
  {
    name = "refuses a server that is there twice",
    text = SECTION .. "[upstream u]\nserver a = b:1\nserver a = c:1\n",
    faults = { "c:5: 'server a' stands on line 4 already: keep one of them" },
  },
  {
    name = "takes a key that may be repeated",
    text = SECTION .. "header = A 1\nheader = B 2\n",
    value = function(c)
      return tonumber(c.sections[0].http.header_count)
    end,
    is = 2,
  },
  {
    name = "refuses a key without a value",
    text = SECTION .. "root =\nindex = ; none\nserver_name = \"\"\n",
    faults = {
      "c:3: root: the value is missing",
      "c:4: index: the value is missing",
      "c:5: server_name: the value is missing",
    },
  },

  -- Comments.
  {
    name = "takes comments on lines of their own, also indented",
    text = "; one\n# two\n[http h]\n  ; three\n\t# four\nlisten = 8080\n"
      .. "  ; five\nroot = /srv\n",
    value = function(c)
      return text(c.sections[0].http.root.source)
    end,
    is = "/srv",
  },
  {
    name = "takes a comment off a value",
    text = SECTION .. "root = /srv ; here\nindex = a\t;b\n",
    value = function(c)
      local http = c.sections[0].http
      return text(http.root.source) .. " " .. text(http.index[0])
    end,
    is = "/srv a",
  },
  {
    name = "takes a ';' without a blank before it as data",
    text = SECTION .. "root = /srv;x\n",
    value = function(c)
      return text(c.sections[0].http.root.source)
    end,
    is = "/srv;x",
  },
  {
    name = "refuses ' #' behind a value",
    text = SECTION .. "root = /srv # here\nindex = #a\n",
    faults = {
      "c:3: ' #' does not start a comment behind a value: write ' ;', or put "
        .. "the value in double quotes",
      "c:4: ' #' does not start a comment behind a value: write ' ;', or put "
        .. "the value in double quotes",
    },
  },
  {
    name = "takes a '#' without a blank before it as data",
    text = SECTION .. "root = /srv#x\n",
    value = function(c)
      return text(c.sections[0].http.root.source)
    end,
    is = "/srv#x",
  },

  -- Quotes.
  {
    name = "takes the quotes off a value",
    text = SECTION .. 'root = "/srv"\n',
    value = function(c)
      return text(c.sections[0].http.root.source)
    end,
    is = "/srv",
  },
  {
    name = "takes ' ;' and ' #' in quotes as data",
    text = SECTION .. 'root = "/srv ; a # b" ; comment\n',
    value = function(c)
      return text(c.sections[0].http.root.source)
    end,
    is = "/srv ; a # b",
  },
  {
    name = "takes a quoted word in a list",
    text = SECTION .. 'index = "a b" c "d ;e"\n',
    value = function(c)
      local http = c.sections[0].http
      return ("%d %s|%s|%s"):format(tonumber(http.index_count),
        text(http.index[0]), text(http.index[1]), text(http.index[2]))
    end,
    is = "3 a b|c|d ;e",
  },
  {
    name = "takes \\\" as the character",
    text = SECTION .. 'access_log = "\\"${request}\\" ; ${status}"\n',
    value = function(c)
      return text(c.sections[0].access_log_template.source)
    end,
    is = '"${request}" ; ${status}',
  },
  {
    name = "keeps quotes in the middle of a text",
    text = SECTION .. 'access_log = ${host} "${request}" ; end\n',
    value = function(c)
      return text(c.sections[0].access_log_template.source)
    end,
    is = '${host} "${request}"',
  },
  {
    name = "keeps the backslashes of a regular expression",
    text = SECTION .. 'root = /srv\nroute = "~ \\.php$ static"\n'
      .. "route = ~ ^/a\\d+;b$ static\n",
    value = function(c)
      local routes = c.sections[0].http.routes
      return text(routes[0].pattern) .. " " .. text(routes[1].pattern)
    end,
    is = "\\.php$ ^/a\\d+;b$",
  },
  {
    name = "refuses a quote that is not closed on its line",
    text = SECTION .. 'root = "/srv ; x\n  y"\nindex = a"b\n',
    faults = {
      "c:3: a double quote is not closed: close it on the same line, or write "
        .. "\\\" for the character",
      "c:4: a double quote is not closed: close it on the same line, or write "
        .. "\\\" for the character",
      "c:5: a double quote is not closed: close it on the same line, or write "
        .. "\\\" for the character",
    },
  },

  -- Indentation.
  {
    name = "takes an indented known key as a key",
    text = "[upstream u]\n  protocol = tcp\n\tserver a = b:1\n"
      .. "  server c = d:2\n[tcp t]\n    listen = 8080\n    upstream = u\n",
    value = function(c)
      local upstream = c.sections[0].upstream
      return text(upstream.name) .. tonumber(upstream.server_count)
    end,
    is = "u2",
  },
  {
    name = "takes any other indented line as more of the value above it",
    text = SECTION .. "server_name = a.b\n   c.d ; more\n\n"
      .. "; a comment\n\te.f\n",
    value = function(c)
      local http = c.sections[0].http
      return ("%d %s"):format(tonumber(http.server_name_count),
                              text(http.server_names[2]))
    end,
    is = "3 e.f",
  },
  {
    name = "takes a value that begins on the line below its key",
    text = SECTION .. "root =\n  /srv\n",
    value = function(c)
      return text(c.sections[0].http.root.source)
    end,
    is = "/srv",
  },
  {
    name = "takes an '=' in a continued line as data",
    text = SECTION .. "access_log = ${host}\n  st=${status} root=x\n",
    value = function(c)
      return text(c.sections[0].access_log_template.source)
    end,
    is = "${host} st=${status} root=x",
  },
  {
    name = "keeps a quoted ' ;' of a continued line",
    text = SECTION .. 'access_log = ${host}\n  "a ; b" ; comment\n',
    value = function(c)
      return text(c.sections[0].access_log_template.source)
    end,
    is = '${host} "a ; b"',
  },
  {
    name = "does not let a misspelled key disappear in the value above it",
    text = "[http h]\n  listen = 8080\n  root = /srv\n  indx = a\n",
    faults = {
      "c:4: unknown key 'indx' in [http]; did you mean 'index'? (an indented "
        .. "line continues the value above it only when it does not look like "
        .. "a key: put it in double quotes)",
    },
  },
  {
    name = "does not let a section disappear in the value above it",
    text = "[http h]\n  listen = 8080\n  root = /srv\n  [tcp t]\n",
    faults = {
      "c:4: a section begins in the first column: this line would continue "
        .. "the value above it",
    },
  },
  {
    name = "continues nothing across a section",
    text = "[global]\nuser = a\n[http h]\n  more\nlisten = 8080\n",
    faults = {
      "c:4: 'more' is not a key with its value: write NAME = VALUE",
    },
  },
  {
    name = "says nothing of what continues a line at fault",
    text = SECTION .. "indxe = a\n  b c\n  d\n",
    faults = { "c:3: unknown key 'indxe' in [http]; did you mean 'index'?" },
  },

  -- Files.
  {
    name = "includes files in the order of their names",
    text = "[global]\ninclude = d/*.ini\n",
    files = {
      ["d/b.ini"] = "[http b]\nlisten = 8082\n",
      ["d/a.ini"] = "[http a]\nlisten = 8081\nroot = www\n",
      ["d/c.txt"] = "nonsense",
    },
    value = function(c, dir)
      return text(c.sections[0].name) .. text(c.sections[1].name)
        .. text(c.sections[0].http.root.source):sub(#dir + 1)
    end,
    is = "ab/www",
  },
  {
    name = "takes a pattern that matches nothing",
    text = "[global]\ninclude = d/*.ini\n" .. SECTION,
    value = function(c)
      return tonumber(c.section_count)
    end,
    is = 1,
  },
  {
    name = "refuses to include the file itself",
    text = "[global]\ninclude = *\n" .. SECTION,
    faults = { "c:2: include: the pattern matches this very file" },
  },
  {
    name = "refuses the same section in two files",
    text = "[global]\ninclude = *.ini\n" .. SECTION,
    files = { ["a.ini"] = SECTION },
    faults = {
      "a.ini:1: [http h] stands at c:3 already: write all of its keys there",
    },
  },
  {
    name = "orders faults by file and line, the main file first",
    text = "[global]\ninclude = *.ini\nworkers = x\nuzer = a\n" .. SECTION,
    files = { ["a.ini"] = "[tcp t]\n", ["b.ini"] = "[x]\n" },
    faults = {
      "c:3: workers: 'x' is not a whole number, nor auto",
      "c:4: unknown key 'uzer' in [global]; did you mean 'user'?",
      "a.ini:1: [tcp t] has no listen: add listen = ADDRESS:PORT",
      "a.ini:1: [tcp t] has no upstream: add upstream = NAME",
      "b.ini:1: unknown section [x]",
    },
  },
}


--- The paths of a case's folder, which differ from run to run, taken out.
local function without_folder(list, dir)
  local out = {}
  for i, fault in ipairs(list) do
    local from = 1
    local at = fault:find(dir .. "/", from, true)
    while at do
      fault = fault:sub(1, at - 1) .. fault:sub(at + #dir + 1)
      at = fault:find(dir .. "/", from, true)
    end
    out[i] = fault
  end
  return out
end


describe("reading a configuration", function()
  for _, case in ipairs(CASES) do
    it(case.name, function()
      local c, faults, dir = config.read(case.text, case.files)
      assert.are.same(case.faults or {}, without_folder(faults, dir))
      if case.value then
        assert.are.equal(case.is, case.value(c, dir))
      end
    end)
  end

  it("refuses a file that is not there", function()
    local c, faults = config.read_file("/nonexistent/moongate.ini")
    assert.is_nil(c)
    assert.are.same({ "/nonexistent/moongate.ini: cannot be read: No such "
                      .. "file or directory" }, faults)
  end)

  it("refuses a folder", function()
    local c, faults = config.read_file("spec")
    assert.is_nil(c)
    assert.are.same({ "spec: cannot be read: Is a directory" }, faults)
  end)

  it("refuses an include of a single file that is not there", function()
    local _, faults, dir = config.read("[global]\ninclude = a.ini\n" .. SECTION)
    assert.are.same(
      { "c:2: include: there is no file " .. dir .. "/a.ini" }, faults)
  end)

  it("refuses a file without a section that serves", function()
    local _, faults = config.read("[global]\n")
    assert.are.same({ "c: nothing to do: add a section [http NAME], [tcp NAME] "
                      .. "or [mysql NAME] with a listen key" }, faults)
  end)
end)
