--- The statistics page as bytes: what it says, that nothing breaks out of it,
-- and how large and slow it gets.
local ffi = require "ffi"
local page = require "support.board_page"

local core, str = page.core, page.str

local SERVERS = 1024
local BYTES_MAX = 2 * 1024 * 1024
local MS_MAX = 20
local ROUNDS = 5

-- Elements that HTML lets end without a tag, or that have none.
local UNENDED = { meta = true, input = true, li = true, tr = true, td = true,
  th = true, path = true }


-- Every tag is one that the page is written with, attributes are whole, and
-- what is begun is ended.
local function check_html(html)
  html = html:gsub("<style.-</style>", ""):gsub("<script.-</script>", "")
  local open = {}
  for slash, name, rest in html:gmatch("<(/?)([%w!]+)([^<>]*)>") do
    if slash == "/" then
      while UNENDED[open[#open]] do
        open[#open] = nil
      end
      assert.are.equal(name, table.remove(open))
    elseif name ~= "!DOCTYPE" then
      local _, quotes = rest:gsub('"', "")
      assert.are.equal(0, quotes % 2, rest)
      if rest:sub(-1) ~= "/" and name ~= "meta" and name ~= "input" then
        open[#open + 1] = name
      end
    end
  end
  assert.are.same({}, open)
  assert.is_nil(html:gsub("<[^<>]*>", ""):find("[<>]"))
end


-- The row of a table whose head is NAME.
local function row(html, name)
  local from = assert(html:find("<th scope=row>" .. name .. "<", 1, true),
    name)
  local to = html:find("<tr", from, true) or html:find("</tbody>", from, true)
  return html:sub(from, to - 1)
end


describe("the statistics page", function()
  local board

  before_each(function()
    board = page.open()
  end)

  after_each(function()
    core.board_close(board)
  end)

  it("is well formed, in both languages, with and without forms", function()
    page.fill(board)
    for _, chinese in ipairs { false, true } do
      for _, admin in ipairs { false, true } do
        local html = page.page(board, { chinese = chinese, admin = admin,
          notice = "done" })
        check_html(html)
        assert.are.equal(admin, html:find("<form", 1, true) ~= nil)
      end
    end
    check_html(page.page(page.open()))
  end)

  it("shows each state in words and as a class", function()
    page.fill(board)
    local html = page.page(board)
    for i, words in ipairs { "up", "going down 1/3", "going up 1/2", "down",
      "drain", "maint", "no check" } do
      assert.is_truthy(row(html, "MySQL_" .. i):find(
        ('<b class="b p%d">%s</b>'):format(i - 1, words), 1, true), words)
    end
    assert.is_truthy(row(html, "MySQL_4"):find(
      "wsrep_cluster_status non-Primary", 1, true))
    assert.is_truthy(page.page(board, { chinese = true }):find(
      '<b class="b p3">下线</b>', 1, true))
  end)

  it("counts the servers of each state above all, the worst first", function()
    page.fill(board)
    local counts = page.page(board):match("<p class=q>(.-)</p>")
    local words = {}
    for place, text in counts:gmatch('href="#(t%d+)">([^<]*)<') do
      words[#words + 1] = place .. " " .. text
    end
    assert.are.equal("t6 1 down, t4 1 going down, t5 1 going up, t8 1 maint, "
      .. "t7 1 drain, t0 4 up, t9 1 no check", table.concat(words, ", "))
    assert.is_truthy(page.page(board):find("<tr class=r3 id=t6>", 1, true))
  end)

  it("shows figures, their sums and what is in service", function()
    page.fill(board)
    local html = page.page(board)
    local total = tonumber(board.server_counters[0].requests)
    assert.is_truthy(row(html, "php_1"):find(
      "<td class=n>" .. total .. "<", 1, true))
    assert.is_truthy(row(html, "Backend"):find("3/3 in service", 1, true))
    assert.is_truthy(row(html, "Backend"):find(
      "<td class=n>" .. total * 3 .. "<", 1, true))
    assert.is_truthy(row(html, "http web"):find("0.0.0.0:80 [::]:80", 1, true))
  end)

  it("escapes whatever a server, a script or a client has said", function()
    local evil = "</td><script>alert(1)</script>\"'&\1\255"
    local upstream = core.board_add_upstream(board, str("u"))
    local server = page.add_server(board, upstream, "a", evil)
    page.take_down(board, server, evil)
    core.event_note(board, core.EVENT_ADMIN, "%s", evil)
    core.board_add_script(board, str("<img src=x>"))
    local fields = { admin = true, notice = evil, user = evil, token = evil,
      uri = "/\"><b>" }
    local html = page.page(board, fields)
    check_html(html)
    assert.is_nil(html:find("<script>", 1, true))
    assert.is_nil(html:find("<img", 1, true))
    assert.is_nil(html:find("[%z\1-\8\127]"))
    assert.is_truthy(html:find("?script=%3Cimg%20src%3Dx%3E", 1, true))
    local view = page.view(fields)
    local confirm = page.render(function(out)
      core.render_confirm(out, board, view.view, str("weight"), str(evil),
        str(evil))
    end)
    check_html(confirm)
    assert.is_nil(confirm:find("<script", 1, true))
  end)

  it("asks before an action is done, and knows no others", function()
    local view = page.view { admin = true }
    local function confirm(action)
      return page.render(function(out)
        core.render_confirm(out, board, view.view, str(action), str("u/a"),
          str("7"))
      end)
    end
    for _, action in ipairs { "drain", "ready", "maint", "weight",
      "rollback" } do
      local html = confirm(action)
      check_html(html)
      assert.is_truthy(html:find('name=action value="' .. action, 1, true))
      assert.is_truthy(html:find('name=target value="u/a"', 1, true))
      assert.is_truthy(html:find("name=confirm value=yes", 1, true))
    end
    local html = confirm("shutdown")
    check_html(html)
    assert.is_nil(html:find("<form", 1, true))
  end)

  it("asks for nothing from outside", function()
    page.fill(board)
    local html = page.page(board, { admin = true })
    assert.is_nil(html:find("https?://"))
    assert.is_nil(html:find("src="))
    assert.is_nil(html:find("url(", 1, true))
    assert.is_nil(html:find("style=\"", 1, true))
    assert.is_nil(html:find(" on%a+="))
  end)

  it("shows what a script's version has changed", function()
    local function diff(before, now)
      local d = ffi.new("struct page_diff")
      local view = page.view {}
      d.name, d.now, d.now_hash = str("a<b.lua"), str(now), str("222")
      if before then
        d.has_before, d.before, d.before_hash = true, str(before), str("111")
      end
      local html = page.render(function(out)
        core.render_diff(out, board, view.view, d)
      end)
      check_html(html)
      return html
    end
    local lines = {}
    for i = 1, 40 do
      lines[i] = "line " .. i
    end
    local before = table.concat(lines, "\n")
    lines[20] = "<changed>"
    local html = diff(before, table.concat(lines, "\n"))
    assert.is_truthy(html:find("@@ -17,7 +17,7 @@", 1, true))
    assert.is_truthy(html:find("<del>-line 20</del>", 1, true))
    assert.is_truthy(html:find("<ins>+&lt;changed&gt;</ins>", 1, true))
    assert.is_truthy(html:find("<span> line 23</span>", 1, true))
    assert.is_nil(html:find("line 24", 1, true))
    assert.is_truthy(diff("a", "a"):find("are the same", 1, true))
    assert.is_truthy(diff(nil, "all of it"):find("all of it", 1, true))
  end)

  for _, case in ipairs {
    { "", "en" }, { "zh", "zh" }, { "zh-CN,zh;q=0.9,en;q=0.8", "zh" },
    { "en-US,en;q=0.9,zh;q=0.8", "en" }, { "de", "en" }, { "zhx", "en" },
    { "en;q=0.5, zh-TW ;q=0.7", "zh" }, { "zh;q=0", "en" }, { "ZH", "zh" },
    { "de,zh;q=0.3", "zh" }, { "*,zh;q=0.5", "en" }, { "en,zh", "en" },
    { "zh,en", "zh" }, { ";q=;,,=", "en" },
  } do
    it("is in the language that is wanted by " .. case[1], function()
      assert.are.equal(case[2] == "zh" and core.PAGE_CHINESE
        or core.PAGE_ENGLISH, core.page_language_choose(str(case[1])))
    end)
  end

  it("of 1024 servers has less than 2 MB, and takes less than 20 ms",
    function()
      local large = page.open(SERVERS)
      local upstream = core.board_add_upstream(large, str("many"))
      core.board_add_section(large, str("http web"))
      for i = 1, SERVERS do
        page.add_server(large, upstream, "server_" .. i,
          "192.168.100.200:3306")
      end
      page.work(large, 900, function(i)
        for k = 0, SERVERS - 1 do
          large.server_counters[k].requests = i * i
        end
        return i % 97
      end)
      local best = math.huge
      local view = page.view { admin = true }
      local out = ffi.new("struct buf")
      core.buf_init_growing(out, BYTES_MAX * 4)
      for _ = 1, ROUNDS do
        core.buf_reset(out)
        local from = os.clock()
        core.render_page(out, large, view.view)
        best = math.min(best, (os.clock() - from) * 1000)
      end
      local total = tonumber(out.len)
      core.buf_fini(out)
      core.board_close(large)
      assert.is_true(total > 500000 and total < BYTES_MAX, total .. " bytes")
      -- The sanitizers make it many times slower.
      local sanitized = os.getenv("MOONGATE_BUILD")
      assert.is_true(best < MS_MAX * (sanitized and 20 or 1), best .. " ms")
    end)
end)
