// What the looks at the statistics page have in common: Chromium, its pages,
// axe-core, and the word with the spec that has started this.
"use strict";

const fs = require("fs");
const { chromium } = require("playwright-core");

const ARGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--disable-dev-shm-usage",
];
const WAIT_MS = 60000;
const POLL_MS = 20;
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

// PLACE is an empty folder, in which the browser's profile is made, too.
const STEP = process.env.PLACE + "/step";

let browser;

// A page in a context of its own; what it complains of is kept.
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

// What axe-core has against a page, of level A or AA.
async function violations(page) {
  await page.evaluate(axe);
  return page.evaluate(async (tags) => {
    const result = await window.axe.run(document, { runOnly: tags });
    return result.violations.map(
      (v) => v.id + " " + v.nodes.map((n) => n.html).join(" "));
  }, TAGS);
}

// The same page in one form, as somebody gets it.
async function lookAt(url, more, javaScriptEnabled, width, colorScheme) {
  const { context, page, complaints } = await open(
    { javaScriptEnabled, colorScheme, viewport: { width, height: 900 },
      ...more });
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
  if (javaScriptEnabled) found.violations = await violations(page);
  await context.close();
  return { javaScriptEnabled, width, colorScheme, complaints, ...found };
}

// Each form: wide and narrow, light and dark, with and without JavaScript.
async function forms(url, more, scripts) {
  const all = [];
  for (const width of [1280, 390])
    for (const scheme of ["light", "dark"])
      for (const script of scripts)
        all.push(await lookAt(url, more, script, width, scheme));
  return all;
}

// Tells the spec how far this has come, and goes on when that has been seen.
async function step(words) {
  fs.writeFileSync(STEP + ".new", words);
  fs.renameSync(STEP + ".new", STEP);
  const until = Date.now() + WAIT_MS;
  while (fs.existsSync(STEP)) {
    if (Date.now() > until) throw new Error("nobody has seen: " + words);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

// Does one of WHATS, and prints what it finds as JSON.
//
//     node FILE.js WHAT OPTIONS       OPTIONS: JSON
async function run(whats) {
  const [what, options] = process.argv.slice(2);
  try {
    browser = await chromium.launch({ executablePath: "/usr/bin/chromium",
      headless: true, args: ARGS, timeout: WAIT_MS });
    console.log(JSON.stringify(await whats[what](JSON.parse(options))));
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    if (browser) await browser.close();
  }
}

module.exports = { WAIT_MS, open, violations, forms, step, run };
