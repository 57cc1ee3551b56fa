// A TCP proxy whose connections break: each after as many bytes as the test says, in either direction.
import { connect, createServer } from "node:net";

export class Cutter {
  cuts = 0;
  #server;
  #open = new Set();
  #refuses = false;

  /**
   * Forwards to `port`. `allowance()` is asked for each connection: the bytes after which it breaks, in the
   * middle of a packet if it so happens; `Infinity` for never. `own` is the port to listen on.
   */
  static async start(port, allowance, own = 0) {
    const cutter = new Cutter();
    cutter.#server = createServer((near) => {
      if (cutter.#refuses) return near.destroy();
      cutter.#carry(near, connect(port, "127.0.0.1"), allowance());
    });
    await new Promise((settle) => cutter.#server.listen(own, "127.0.0.1", settle));
    cutter.port = cutter.#server.address().port;
    return cutter;
  }

  #carry(near, far, allowance) {
    let left = allowance;
    const both = [near, far];
    for (const [from, to] of [both, [far, near]]) {
      this.#open.add(from);
      from.on("error", () => {});
      from.on("close", () => {
        this.#open.delete(from);
        to.destroy();
      });
      from.on("data", (bytes) => {
        const part = bytes.subarray(0, Math.max(0, left));
        left -= bytes.length;
        if (left > 0) {
          to.write(bytes);
          return;
        }
        this.cuts += 1;
        // What was written before still arrives; the rest never does.
        to.end(part, () => both.forEach((socket) => socket.destroy()));
        from.pause();
      });
    }
  }

  /** Breaks every connection there is now. */
  cutAll() {
    this.cuts += 1;
    for (const socket of this.#open) socket.destroy();
  }

  /** Breaks every connection, and takes no other. */
  offline() {
    this.#refuses = true;
    this.cutAll();
  }

  online() {
    this.#refuses = false;
  }

  async stop() {
    this.#server.close();
    this.cutAll();
  }
}
