import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("..", import.meta.url));
const run = (/** @type {string} */ command, /** @type {string[]} */ args, /** @type {string} */ cwd) =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: "pipe" });

const APP = `import { init } from "onetrail";
const onetrail = init({ source: "web", host: "https://c.example", auto: "page-view outbound" });
onetrail.track("sign-up", { plan: "pro" });
onetrail.identify({ userId: 42, traits: { name: "Ann" } });
onetrail.on("sent", ({ status }) => console.log(status));
const stored: Promise<boolean> = onetrail.flush();
// @ts-expect-error a source is needed
init({ host: "https://c.example" });
// @ts-expect-error there is no such thing to hear
onetrail.on("send", () => {});
export { stored };
`;
const STRICT = ["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "--types", ""];

test("the package that npm packs is imported by an app, with types that a strict TypeScript takes", (context) => {
  const app = mkdtempSync(join(tmpdir(), "onetrail-"));
  context.after(() => rmSync(app, { recursive: true }));
  const [{ filename, files }] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", app], folder).replace(/^[^[]*/, ""));
  const paths = files.map((/** @type {{path: string}} */ { path }) => path);
  for (const path of ["dist/onetrail.js", "dist/types/onetrail.d.ts", "README.md"]) assert.ok(paths.includes(path), path);
  assert.deepEqual(paths.filter((/** @type {string} */ path) => /^(src|test)\//.test(path)), []);

  const installed = join(app, "node_modules", "onetrail");
  mkdirSync(installed, { recursive: true });
  run("tar", ["-xf", filename, "-C", installed, "--strip-components=1"], app);
  writeFileSync(join(app, "package.json"), '{"type": "module"}');
  writeFileSync(join(app, "app.ts"), APP);
  run(join(folder, "node_modules", ".bin", "tsc"), [...STRICT, "app.ts"], app);
  assert.match(run("node", ["-e", 'import("onetrail").then(({ init }) => console.log(typeof init))'], app), /function/);
});
