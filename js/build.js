import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { bundle, bundlePath, entries, modulePath, moduleText } from "./bundle.js";

// What the collector serves, unless only the package's own is asked for: node build.js module
if (process.argv[2] !== "module") for (const [name, entry] of Object.entries(entries)) writeFileSync(bundlePath(name), bundle(...entry));
mkdirSync(dirname(modulePath), { recursive: true });
writeFileSync(modulePath, moduleText());
