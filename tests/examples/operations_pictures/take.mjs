// Looks at the Temporal web UI as an operator does, and writes what it sees to a folder.
//
// usage: node take.mjs <address of the UI> <folder> <parked workflow> <workflow that is retried>

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [ui, folder, parked, retried] = process.argv.slice(2);
const workflows = `${ui}/namespaces/default/workflows`;

await mkdir(folder, { recursive: true });
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1400, height: 800 } });

async function take(name) {
  // Nothing that could be waited for says that the UI has finished moving.
  await page.waitForTimeout(1500);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  console.log(`took ${name}.png`);
}

async function tab(name) {
  await page.getByRole("tab", { name }).or(page.getByRole("link", { name })).first().click();
}

async function open(workflow, name) {
  await page.goto(`${workflows}/${workflow}`);
  await tab(name);
}

await page.goto(`${workflows}?query=${encodeURIComponent('`OrderState`="NeedsOperator"')}`);
await page.getByText(parked).first().waitFor();
await take("find");

await open(parked, "User Metadata");
await take("understand");

await open(retried, "Pending Activities");
await take("retried");

await open(parked, "User Metadata");
await page.getByRole("button", { name: "More Actions" }).click();
await page.getByRole("menuitem", { name: "Send an Update" }).first().click();
const dialog = page.getByRole("dialog").filter({ visible: true });
await dialog.getByTestId("update-name").fill("resolve");
await dialog.locator("[contenteditable=true]").click();
await page.keyboard.insertText('{"operator": "kim", "reference": "re_3Rk9Qy2eZvKYlo2C1x4T5w8u"}');
// The editor lays its text out when it is left, which moves the button.
await dialog.getByTestId("update-id").click();
await take("decide");
await dialog.getByRole("button", { name: "Submit" }).click();
await dialog.waitFor({ state: "hidden" });


await page.goto(`${workflows}/${parked}`);
await page.getByText("COMPLETED").filter({ visible: true }).first().waitFor();
await tab("Event History");
await page.getByText("Workflow Execution Update Accepted").filter({ visible: true }).first().click();
await take("decided");
await browser.close();
