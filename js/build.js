import { writeFileSync } from "node:fs";
import { bundle, bundlePath } from "./bundle.js";

writeFileSync(bundlePath, bundle());
