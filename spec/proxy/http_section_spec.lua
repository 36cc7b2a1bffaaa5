--- What an [http] section knows besides its routes.
local ffi = require "ffi"
local support = require "support.ffi"

local core = support.load("proxy/http_section.h")


local function str(text)
  return ffi.new("struct str", text, #text)
end


describe("an http section", function()
  local section, conf, http, pages, statuses, uris

  before_each(function()
    uris = { "/50x.html", "/missing" }
    statuses = { ffi.new("unsigned[3]", 500, 502, 503),
                 ffi.new("unsigned[2]", 404, 503) }
    pages = ffi.new("struct error_page_conf[2]")
    for i = 1, 2 do
      pages[i - 1].uri = str(uris[i])
      pages[i - 1].statuses = statuses[i]
      pages[i - 1].status_count = i == 1 and 3 or 2
    end
    http = ffi.new("struct http_conf")
    http.error_pages, http.error_page_count = pages, 2
    conf = ffi.new("struct section_conf")
    conf.http = http
    section = ffi.new("struct http_section")
    assert.are.equal(0, core.http_section_init(section, conf, nil, nil))
  end)

  after_each(function()
    core.http_section_fini(section)
  end)

  it("finds the page of a status, the first that names it", function()
    for status, uri in pairs({
      [500] = "/50x.html", [502] = "/50x.html", [503] = "/50x.html",
      [404] = "/missing",
    }) do
      assert.are.equal(uri,
        support.text(core.http_section_error_page(section, status)))
    end
  end)

  it("has no page for other statuses", function()
    assert.is_nil(support.text(core.http_section_error_page(section, 403)))
  end)
end)
