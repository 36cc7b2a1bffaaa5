// Looks at the statistics page in Chromium, as people do: with and without
// JavaScript, wide and narrow, light and dark.  What it finds is printed as
// JSON; it judges nothing but what has to come true for it to go on.
//
//     node look.js forms URL          each form: axe-core, width, headings
//     node look.js live URL WORDS     the page until it shows WORDS by itself
//     node look.js admin URL ROW      the forms of the server in that row
//
// PLACE is an empty folder, in which the browser's profile is made, too.
"use strict";

const fs = require("fs");
const { chromium } = require("playwright-core");

const ARGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--disable-dev-shm-usage",
];
const WAIT_MS = 40000;
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

let browser;

async function open(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const complaints = [];
  page.on("pageerror", (e) => complaints.push(String(e)));
  page.on("console", (m) => {
    if (m.type() === "error") complaints.push(m.text());
  });
  return { context, page, complaints };
}

async function look(url, javaScriptEnabled, width, colorScheme) {
  const { context, page, complaints } = await open(
    { javaScriptEnabled, colorScheme, viewport: { width, height: 900 } });
  await page.goto(url);
  const found = await page.evaluate(() => ({
    overflow: document.documentElement.scrollWidth - window.innerWidth,
    headings: [...document.querySelectorAll("h1,h2,h3")].map((h) => h.tagName),
    live: document.getElementById("live").textContent,
    states: [...document.querySelectorAll("tbody .b")].map(
      (b) => b.textContent),
    ground: getComputedStyle(document.body).backgroundColor,
    asked: performance.getEntriesByType("resource").map((r) => r.name),
  }));
  if (javaScriptEnabled) {
    await page.evaluate(axe);
    found.violations = await page.evaluate(async (tags) => {
      const result = await window.axe.run(document, { runOnly: tags });
      return result.violations.map(
        (v) => v.id + " " + v.nodes.map((n) => n.html).join(" "));
    }, TAGS);
  }
  await context.close();
  return { javaScriptEnabled, width, colorScheme, complaints, ...found };
}

async function forms(url) {
  const all = [];
  for (const width of [1280, 390])
    for (const scheme of ["light", "dark"])
      for (const script of [true, false])
        all.push(await look(url, script, width, scheme));
  return all;
}

// The reader is somewhere in the middle of it, by keyboard, when it changes.
async function live(url, words) {
  const { context, page, complaints } = await open(
    { viewport: { width: 700, height: 500 } });
  await page.clock.install();
  await page.goto(url);
  await page.evaluate(() => {
    window.same = true;
    document.querySelector("#u1").scrollLeft = 120;
    document.querySelector("details").open = true;
    document.querySelector("#u1").focus();
    window.scrollTo({ top: 300, behavior: "instant" });
  });
  const y = await page.evaluate(() => window.scrollY);
  fs.writeFileSync(process.env.PLACE + "/ready", "");
  await page.getByText(words).first().waitFor();
  const found = await page.evaluate(() => ({
    same: window.same === true,
    left: document.querySelector("#u1").scrollLeft,
    open: document.querySelector("details").open,
    focus: document.activeElement.id,
    y: window.scrollY,
  }));
  let asked = 0;
  page.on("request", () => asked++);
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden",
      { configurable: true, get: () => window.away });
    window.away = true;
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await page.clock.fastForward(20000);
  found.asked_hidden = asked;
  await page.evaluate(() => {
    window.away = false;
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await page.waitForResponse(() => true);
  found.asked_shown = asked;
  await context.close();
  return { complaints, y_before: y, ...found };
}

// Each action by a click, the weight by the return key; then the question.
async function admin(url, row) {
  const { context, page, complaints } = await open({ javaScriptEnabled: false });
  const asked = [];
  async function confirm() {
    await page.waitForSelector("#yes");
    asked.push(await page.textContent("main"));
    await page.click("#yes");
    await page.waitForSelector("#board");
  }
  for (const id of ["d", "m", "r"]) {
    await page.goto(url);
    await page.click("#y" + row);
    await page.click("#" + id + row);
    await confirm();
  }
  await page.goto(url);
  await page.click("#y" + row);
  await page.fill("#i" + row, "7");
  await page.press("#i" + row, "Enter");
  await confirm();
  const notice = await page.textContent(".z");
  await context.close();
  return { complaints, asked, notice };
}

async function main(what, url, word) {
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium",
    headless: true, args: ARGS, timeout: WAIT_MS });
  try {
    return await { forms, live, admin }[what](url, word);
  } finally {
    await browser.close();
  }
}

main(...process.argv.slice(2)).then(
  (found) => { console.log(JSON.stringify(found)); },
  (error) => { console.error(error); process.exitCode = 1; });
