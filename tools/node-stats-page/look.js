// Looks at the statistics page in Chromium, as people do.  It judges nothing
// but what has to come true for it to go on.
//
//     forms { url }           wide and narrow, light and dark
//     live  { url, words }    the page until it shows WORDS by itself
"use strict";

const { open, forms, step, run } = require("./browser.js");

// The reader is somewhere in the middle of it, by keyboard, when it changes.
async function live({ url, words }) {
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
  await step("open");
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

run({ forms: ({ url }) => forms(url, {}, [true]), live });
