// Watches a running Moongate by its statistics page, and operates it there.
// Everything is asked for by a user and a password.
//
//     death    { url, user, password, server, words }
//                        two pages while SERVER dies, then every form of it
//     act      { url, user, password, server, script }
//                        each action, with and without JavaScript
//     intrude  { url, user, password, server, elsewhere }
//                        what must be refused; ELSEWHERE is another origin
"use strict";

const { open, violations, forms, step, run } = require("./browser.js");

const row = (page, server) =>
  page.locator("tbody tr", { has: page.locator("th", { hasText: server }) });

const state = (page, server) => row(page, server).locator(".b").textContent();

// What a reader sees of a server: its state, why, and the newest event.
async function see(page, server) {
  return {
    state: await state(page, server),
    row: await row(page, server).textContent(),
    events: await page.locator("ol.e li").allTextContents(),
  };
}

async function death({ url, server, words, ...who }) {
  const more = { httpCredentials: { username: who.user,
    password: who.password } };
  const live = await open(more);
  const plain = await open({ ...more, javaScriptEnabled: false });
  const found = { complaints: live.complaints };
  await live.page.goto(url);
  await plain.page.goto(url);
  await live.page.evaluate(() => { window.same = true; });
  found.before = [await see(live.page, server), await see(plain.page, server)];
  await step("open");

  await row(live.page, server).getByText(words).first().waitFor();
  await live.page.locator("ol.e li", { hasText: words }).first().waitFor();
  found.live = await see(live.page, server);
  found.same = await live.page.evaluate(() => window.same === true);
  found.stale = await state(plain.page, server);
  await plain.page.reload();
  found.plain = await see(plain.page, server);
  await live.context.close();
  await plain.context.close();
  found.forms = await forms(url, more, [true, false]);
  return found;
}

// The question, its answer, and what came of it.
async function confirm(page, what, js, found) {
  await page.waitForSelector("#yes");
  const question = await page.textContent("main");
  if (js) found.violations.push(...await violations(page));
  await page.click("#yes");
  await page.waitForSelector("#board");
  found.acts.push({ what, js, question,
    notice: await page.textContent(".z") });
  await step(what);
}

// Each by a click, the weight by the return key.
async function actWith(js, { url, server, script, user, password }, found) {
  const { context, page, complaints } = await open({ javaScriptEnabled: js,
    httpCredentials: { username: user, password } });
  const change = async () => {
    await page.goto(url);
    const fold = row(page, server).locator("details.a");
    await fold.locator("summary").click();
    return fold;
  };
  for (const what of ["drain", "maint", "ready"]) {
    await (await change()).locator(`button[value=${what}]`).click();
    await confirm(page, what, js, found);
  }
  const weight = (await change()).locator("input[name=value]");
  await weight.fill("7");
  await weight.press("Enter");
  await confirm(page, "weight", js, found);
  await page.goto(url);
  await row(page, script).locator("button[value=rollback]").click();
  await confirm(page, "rollback", js, found);
  await context.close();
  found.complaints.push(...complaints);
}

async function act(options) {
  const found = { acts: [], complaints: [], violations: [] };
  await actWith(true, options, found);
  await actWith(false, options, found);
  return found;
}

// The statuses that somebody gets with these credentials.  Without any the
// browser may call the last answer an error of its own.
async function enter(url, httpCredentials) {
  const { context, page } = await open({ httpCredentials });
  const statuses = [];
  page.on("response", (r) => statuses.push(r.status()));
  await page.goto(url).catch(() => {});
  await context.close();
  return statuses;
}

// What comes of a form, and what it says of where it was.
async function send(page, url, button) {
  const answered = page.waitForResponse((r) =>
    r.url() === url && r.request().method() === "POST");
  await button.click();
  const answer = await answered;
  await page.waitForLoadState();
  return { status: answer.status(),
    origin: (await answer.request().allHeaders()).origin };
}

async function intrude({ url, server, elsewhere, user, password }) {
  const found = { wrong: await enter(url, { username: user,
    password: password + "x" }), none: await enter(url) };
  const { context, page } = await open({ httpCredentials:
    { username: user, password } });
  await page.goto(url);
  const token = await page.inputValue("input[name=token] >> nth=0");
  await row(page, server).locator("summary").click();
  await row(page, server).locator("input[name=token]").evaluate((input) => {
    input.value = input.value.replace(/./g, (c) => c === "0" ? "1" : "0");
  });
  found.forged = await send(page, url,
    row(page, server).locator("button[value=drain]"));

  // The browser is logged in here, and says so to whoever asks.
  await page.goto(elsewhere);
  await page.evaluate((value) => {
    document.querySelector("[name=token]").value = value;
  }, token);
  found.foreign = await send(page, url, page.locator("button"));
  await context.close();
  return found;
}

run({ death, act, intrude });
