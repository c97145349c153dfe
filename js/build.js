import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { bundle, bundlePath, entries, modulePath } from "./bundle.js";

for (const [name, entry] of Object.entries(entries)) writeFileSync(bundlePath(name), bundle(entry));
mkdirSync(dirname(modulePath), { recursive: true });
writeFileSync(modulePath, bundle("src/onetrail.js", "esm"));
