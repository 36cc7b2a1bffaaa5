/* SPDX-License-Identifier: MIT */
/*
 * The style and the script of the page. Every colour stands once for light and
 * once for dark, and each pair of text and ground has a contrast of 4.5 at
 * least (WCAG 2.1, 1.4.3). Classes are short, since thousands of cells have
 * them:
 *
 *     n  a number    m  of less weight   b p0..p6  a state (enum server_state)
 *     t  a region    g  a group's head   r0..r6    a row of that state
 *     f  a form      v  for readers of screens only   q  states, counted
 *     o c  tiles     e e0..e7  events    k0..k3  graphs (enum graph_of)
 */
#include "board/page_parts.h"

static const char STYLE[] =
    ":root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--text:#1d232b;"
    "--mute:#57606c;--line:#dde2e8;--head:#f0f2f5;--link:#0b57a4;--ink:#3d6fa8;"
    "--fill:#3d6fa822;--up:#14532d;--upb:#dcf1e2;--warn:#6a4300;--warnb:#"
    "fdefc8;"
    "--down:#8c1710;--downb:#fbdfdc;--info:#1c437f;--infob:#e0eafa;"
    "--maint:#4b3382;--maintb:#ebe5f7;--none:#414954;--noneb:#e7eaee;"
    "--bad:#b3261e}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#12161b;--card:#1a1f26;"
    "--text:#e3e7ec;--mute:#a0aab6;--line:#2c343e;--head:#222932;"
    "--link:#83b8f2;--ink:#79a9de;--fill:#79a9de2e;--up:#a5e3b9;--upb:#173824;"
    "--warn:#f5d489;--warnb:#40310d;--down:#ffb4ab;--downb:#4c1b18;"
    "--info:#b0cffa;--infob:#1b2f4e;--maint:#d3c2fa;--maintb:#33284f;"
    "--none:#c3cad3;--noneb:#2d353f;--bad:#ff8a80}}\n"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--bg);color:var(--text);"
    "font:14px/1.4 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\","
    "\"Noto Sans CJK SC\",sans-serif}"
    "header,main,footer{padding:0 20px;max-width:1760px;margin:0 auto}"
    "header{display:flex;flex-wrap:wrap;gap:2px 16px;align-items:baseline;"
    "padding-top:16px}"
    "header p{margin:0;color:var(--mute)}"
    "#live{margin-left:auto}"
    "#live.x{color:var(--bad);font-weight:600}"
    "h1{font-size:20px;margin:0;letter-spacing:-.01em}"
    "h1 small{font-weight:400;color:var(--mute);margin-left:6px}"
    "h2{font-size:16px;margin:26px 0 8px}"
    "h3{font-size:12px;font-weight:600;color:var(--mute);margin:0}"
    "a{color:var(--link)}"
    "code{font:12px ui-monospace,\"DejaVu Sans Mono\",monospace}"
    ".m,small{color:var(--mute)}"
    ".m{font-size:12px;white-space:nowrap}"
    ".v,.s:not(:focus){position:absolute;width:1px;height:1px;overflow:hidden;"
    "clip-path:inset(50%);white-space:nowrap}"
    ".s{position:absolute;left:8px;top:8px;background:var(--card);padding:6px}"
    ":focus-visible{outline:2px solid var(--link);outline-offset:1px}"
    ".z{border:1px solid var(--line);border-left:4px solid var(--ink);"
    "background:var(--card);padding:8px 12px;margin:14px 0 0;"
    "border-radius:4px;overflow-wrap:anywhere}"
    ".z.x{border-left-color:var(--bad);color:var(--bad)}\n"
    ".o{display:grid;gap:12px;"
    "grid-template-columns:repeat(auto-fit,minmax(160px,1fr))}"
    ".c,.t{background:var(--card);border:1px solid var(--line);"
    "border-radius:6px}"
    ".c{padding:10px 12px 0;overflow:hidden}"
    ".c p{margin:2px 0 6px;font-variant-numeric:tabular-nums}"
    ".c b{font-size:22px;font-weight:600}"
    ".c svg{width:calc(100% + 24px);height:44px;margin:0 -12px}"
    "svg{display:block;width:90px;height:24px}"
    "path{fill:var(--fill);stroke:var(--ink);stroke-width:1.5;"
    "vector-effect:non-scaling-stroke;stroke-linejoin:round}"
    ".k2 path{stroke:var(--bad);fill:none}\n"
    ".t{overflow-x:auto;margin:0 0 14px}"
    "table{border-collapse:collapse;width:100%;font-size:13px}"
    "caption{text-align:left;font-weight:600;padding:8px 10px;"
    "position:sticky;left:0;width:max-content;max-width:100%}"
    "th,td{padding:4px 8px;text-align:left;vertical-align:top;"
    "border-top:1px solid var(--line);font-weight:400}"
    "thead th{background:var(--head);color:var(--mute);font-size:12px;"
    "font-weight:600;vertical-align:bottom;white-space:nowrap}"
    ".g{text-align:center;border-left:1px solid var(--line);"
    "border-right:1px solid var(--line)}"
    ".n{text-align:right;font-variant-numeric:tabular-nums;"
    "white-space:nowrap}"
    "tbody th,tfoot th{font-weight:600;white-space:nowrap}"
    "tbody th,tfoot th,thead tr:first-child th:first-child{position:sticky;"
    "left:0;z-index:1}"
    "tbody th,tfoot th{background:var(--card)}"
    "tbody tr:hover td,tbody tr:hover th{background:var(--head)}"
    "tfoot td,tfoot th{font-weight:600;background:var(--head)}"
    "td small,th small{display:block;font-weight:400;font-size:12px;"
    "max-width:19em;overflow-wrap:anywhere}"
    "td{white-space:nowrap}td small{white-space:normal;width:max-content}"
    "th[scope=row]{border-left:4px solid var(--line)}"
    ".b{font-size:12px;font-weight:600;padding:1px 8px;border-radius:9px;"
    "white-space:nowrap;display:inline-block}"
    ".q{margin:10px 0 0;display:flex;flex-wrap:wrap;gap:6px;"
    "align-items:center}"
    "a.b{text-decoration:none;line-height:22px;border-radius:12px}"
    "a.b:hover{text-decoration:underline}"
    ".p0{color:var(--up);background:var(--upb)}"
    ".p1,.p2{color:var(--warn);background:var(--warnb)}"
    ".p3{color:var(--down);background:var(--downb)}"
    ".p4{color:var(--info);background:var(--infob)}"
    ".p5{color:var(--maint);background:var(--maintb)}"
    ".p6{color:var(--none);background:var(--noneb)}"
    "tr:target td{background:var(--head)}"
    ".r0 th{border-left-color:#3f9a5f}.r1 th,.r2 th{border-left-color:#d29922}"
    ".r3 th{border-left-color:#d1453b}.r4 th{border-left-color:#4a7fd0}"
    ".r5 th{border-left-color:#8a6fd1}\n"
    "ol.e{list-style:none;margin:0;padding:0;background:var(--card);"
    "border:1px solid var(--line);border-radius:6px}"
    "details ol.e{margin-top:6px}"
    ".e li{display:flex;gap:2px 14px;padding:5px 12px;flex-wrap:wrap;"
    "border-left:4px solid var(--line)}"
    ".e li+li{border-top:1px solid var(--line)}"
    ".e span{overflow-wrap:anywhere;flex:1 1 20em}"
    ".e time{color:var(--mute);font-variant-numeric:tabular-nums;"
    "white-space:nowrap}"
    ".e .e0,.e .e4{border-left-color:#d1453b}.e .e1{border-left-color:#3f9a5f}"
    ".e .e2,.e .e3{border-left-color:#4a7fd0}.e .e5{border-left-color:#d29922}"
    "summary{cursor:pointer;padding:6px 2px;color:var(--link)}\n"
    "form{display:flex;flex-wrap:wrap;gap:4px;max-width:17em}"
    ".a summary{padding:2px 0;font-size:12px;width:max-content}"
    "button,input{font:inherit;font-size:12px;color:var(--text);"
    "background:var(--card);border:1px solid #808995;border-radius:4px;"
    "padding:3px 8px;min-height:26px}"
    "input{width:4em;text-align:right;padding:3px 5px}"
    "button{cursor:pointer}button:hover{background:var(--head)}"
    ".y{margin:16px 0;display:flex;gap:16px;"
    "align-items:center}"
    ".y button{font-size:14px;padding:6px 16px;background:var(--link);"
    "border-color:var(--link);color:var(--card)}"
    ".y button:hover{background:var(--text)}"
    "footer{padding-top:10px;padding-bottom:28px;color:var(--mute)}"
    "footer a{margin-left:10px}\n"
    ".d{font:12px/1.5 ui-monospace,\"DejaVu Sans Mono\",monospace;"
    "overflow-x:auto;padding:8px 0;margin:0 0 14px;white-space:pre;"
    "tab-size:4}"
    ".d span{display:block;padding:0 12px;min-width:max-content}"
    ".d ins,.d del{display:block;padding:0 12px;min-width:max-content;"
    "text-decoration:none}"
    ".d ins{background:var(--upb);color:var(--up)}"
    ".d del{background:var(--downb);color:var(--down)}"
    ".d .h{color:var(--info);background:var(--infob)}"
    "@media(max-width:600px){header,main,footer{padding-left:10px;"
    "padding-right:10px}#live{margin-left:0;width:100%}"
    ".o{grid-template-columns:1fr 1fr;gap:8px}"
    "th,td{padding:4px 6px}tbody th,tfoot th{min-width:9.5em;max-width:44vw;"
    "white-space:normal;overflow-wrap:anywhere}}"
    "@media(prefers-reduced-motion:no-preference){html{scroll-behavior:"
    "smooth}}";

/* Fetches the page and exchanges its main part. The rest is not parsed: its
 * style has another nonce, against which the policy of this one would protest.
 * What scrolls, has the focus or is folded out, and what is being typed, stays;
 * a hidden tab asks for nothing. */
static const char SCRIPT[] =
    "(function(){'use strict';"
    "var d=document,live=d.getElementById('live'),timer=0,busy=false;\n"
    "function say(ok){live.textContent=ok?live.dataset.live:live.dataset.lost;"
    "live.className=ok?'':'x'}\n"
    "function typing(){var e=d.activeElement;"
    "return e&&e.tagName==='INPUT'&&e.value!==e.defaultValue}\n"
    "function each(root,what,f){"
    "Array.prototype.forEach.call(root.querySelectorAll(what),f)}\n"
    "function exchange(now){"
    "var old=d.getElementById('board'),e=d.activeElement,id=e&&e.id;\n"
    "var inside=old.contains(e),x=scrollX,y=scrollY,left={},all={};\n"
    "each(old,'.t',function(t){left[t.id]=t.scrollLeft});"
    "each(old,'details',function(t){all[t.id]=t.open});\n"
    "each(now,'details',function(t){if(all[t.id])t.open=true});"
    "old.parentNode.replaceChild(now,old);\n"
    "each(now,'.t',function(t){if(left[t.id])t.scrollLeft=left[t.id]});"
    "e=inside&&id&&d.getElementById(id);\n"
    "if(e)e.focus({preventScroll:true});"
    "scrollTo({left:x,top:y,behavior:'instant'})}\n"
    "function refresh(){if(busy||d.hidden||typing())return;busy=true;"
    "fetch(location.pathname,{credentials:'same-origin',cache:'no-store'})"
    ".then(function(r){if(!r.ok)throw r;return r.text()})\n"
    ".then(function(t){var now=new DOMParser().parseFromString("
    "t.slice(t.indexOf('<div id=board>'),t.indexOf('</main>')),'text/html')"
    ".getElementById('board');if(!now)throw t;"
    "if(!typing())exchange(d.adoptNode(now));say(true)})"
    ".catch(function(){say(false)}).then(function(){busy=false})}\n"
    "function run(){clearInterval(timer);timer=0;"
    "if(!d.hidden)timer=setInterval(refresh,5000)}\n"
    "d.addEventListener('visibilitychange',function(){run();refresh()});"
    "say(true);run()})();";

_Static_assert(sizeof(SCRIPT) < 4096, "the script is small");

void
page_style(struct page *p)
{
    HTML(p, "<style nonce=\"");
    html_text(p->out, p->view->nonce);
    HTML(p, "\">");
    buf_add(p->out, STYLE, sizeof(STYLE) - 1);
    HTML(p, "</style>\n");
}

void
page_script(struct page *p)
{
    HTML(p, "<script nonce=\"");
    html_text(p->out, p->view->nonce);
    HTML(p, "\">");
    buf_add(p->out, SCRIPT, sizeof(SCRIPT) - 1);
    HTML(p, "</script>\n");
}
