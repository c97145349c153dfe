import { writeFileSync } from "node:fs";
import { bundle, bundlePath, entries } from "./bundle.js";

for (const name of Object.keys(entries)) writeFileSync(bundlePath(name), bundle(name));
