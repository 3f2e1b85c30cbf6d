// Loaded before Allure: with the clock of the run it reports on and ids that are counted, the same
// results give the same page, byte for byte. Allure itself takes the present time and random ids.
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";

const clock = Number(process.env.FLOE_REPORT_CLOCK);
let drawn = 0;

function count(bytes) {
  for (let at = 0; at < bytes.length; at++) {
    drawn = (Math.imul(drawn, 1103515245) + 12345) & 0x7fffffff;
    bytes[at] = drawn >> 16;
  }
  return bytes;
}

let ids = 0;
crypto.randomUUID = () => `00000000-0000-4000-8000-${String(++ids).padStart(12, "0")}`;
crypto.randomFillSync = count;
crypto.webcrypto.getRandomValues = count;
syncBuiltinESMExports();

globalThis.Date = class extends Date {
  constructor(...given) {
    super(...(given.length ? given : [clock]));
  }
  static now() {
    return clock;
  }
};
