// The program under test, a headless Chromium, and what the suite asks of a page.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(here, "../../out");

export const PHONE = { width: 390, height: 844 };
export const DESK = { width: 1280, height: 800 };

/** Where a picture of this name is put. */
export function outFile(name) {
  mkdirSync(out, { recursive: true });
  return resolve(out, name);
}

/** `spola serve` on a local port. */
export class Program {
  #child;

  static async start(port = 0) {
    const target = process.env.CARGO_TARGET_DIR ?? resolve(here, "../../../target");
    const path = process.env.SPOLA_PROGRAM ?? resolve(target, "debug/spola");
    if (!existsSync(path)) throw new Error(`${path} is missing: cargo build -p spola-cli`);
    const child = spawn(path, ["serve", "--log", "warn", "--port", `${port}`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const program = new Program();
    program.#child = child;
    program.ended = new Promise((settle) => child.on("exit", settle));
    program.url = await new Promise((settle, reject) => {
      child.on("error", reject);
      child.on("exit", (code) => reject(new Error(`spola serve ended with ${code}`)));
      createInterface({ input: child.stdout }).on("line", (line) => {
        const match = /http:\/\/127\.0\.0\.1:(\d+)/.exec(line);
        if (!match) return;
        program.port = Number(match[1]);
        settle(`${match[0]}/`);
      });
    });
    return program;
  }

  async kill() {
    this.#child.kill("SIGKILL");
    await this.ended;
  }
}

export async function browser() {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const found = names.map((name) => `/usr/bin/${name}`).find(existsSync);
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? found,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      // A page that a test makes up counts as none of this machine's, and could not reach it.
      "--disable-features=LocalNetworkAccessChecks",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A tab of the chat. */
export class Tab {
  faults = [];
  strangers = [];

  static async open(context, url, viewport) {
    const tab = new Tab();
    tab.page = await context.newPage();
    await tab.page.setViewportSize(viewport);
    tab.page.on("pageerror", (error) => tab.faults.push(error.message));
    tab.page.on("request", (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (protocol.startsWith("http") && hostname !== "127.0.0.1") tab.strangers.push(hostname);
    });
    await tab.page.goto(url);
    return tab;
  }

  part(id) {
    return this.page.getByTestId(id);
  }

  /** Waits until the text of a part satisfies `test`; the text. */
  async text(id, test, limit = 8000) {
    const deadline = Date.now() + limit;
    for (;;) {
      const text = ((await this.part(id).textContent()) ?? "").trim();
      if (test(text)) return text;
      if (Date.now() > deadline) assert.fail(`${id} still says: ${text}`);
      await this.page.waitForTimeout(50);
    }
  }

  async join(nickname, room) {
    await this.part("nickname").fill(nickname);
    await this.part("room").fill(room);
    await this.part("join").click();
    await this.connected();
  }

  async connected(limit) {
    await this.text("status", (text) => text === "connected", limit);
  }

  async say(text) {
    await this.part("message").fill(text);
    await this.part("send").click();
  }

  /** Waits until `text` stands among the messages with the tick of its delivery. */
  async delivered(text) {
    const message = this.part("messages").locator("li", { hasText: text }).last();
    await message.locator('[data-state="delivered"]').waitFor();
  }

  async people(...names) {
    const all = (text) => names.every((name) => text.includes(name));
    return this.text("people", all);
  }

  /** Waits until a picture among the messages has been decoded; its width in pixels. */
  async picture() {
    const image = this.part("messages").locator("img").last();
    await image.waitFor();
    return image.evaluate(async (element) => {
      await element.decode();
      return element.naturalWidth;
    });
  }

  async screenshot(name) {
    return this.page.screenshot({ path: outFile(`${name}.png`), animations: "disabled" });
  }
}
