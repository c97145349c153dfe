/**
 * A snippet of docs/web.md as the page that its framework makes of it: `node build.js <framework> < snippet > bundle.js`.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const { build } = createRequire(import.meta.url)("../../../js/node_modules/esbuild");

/** What a framework's own bundler plug-in does with a component. */
const compilers = {
  react: async (source) => source,
  vue: async (source) => {
    const { compileScript, parse } = await import("@vue/compiler-sfc");
    const component = compileScript(parse(source).descriptor, { id: "snippet", inlineTemplate: true });
    return component.content;
  },
  svelte: async (source) => {
    const { compile } = await import("svelte/compiler");
    return compile(source, { generate: "client" }).js.code;
  },
};
const mounts = {
  react: `import "snippet";`,
  vue: `import { createApp } from "vue"; import App from "snippet"; createApp(App).mount("#app");`,
  svelte: `import { mount } from "svelte"; import App from "snippet"; mount(App, { target: document.getElementById("app") });`,
};

const framework = process.argv[2];
const contents = await compilers[framework](readFileSync(0, "utf8"));
const component = {
  name: "component",
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^snippet$/ }, () => ({ path: "snippet", namespace: "docs" }));
    onLoad({ filter: /.*/, namespace: "docs" }, () => ({ contents, loader: "jsx", resolveDir: folder }));
  },
};
const { outputFiles } = await build({
  stdin: { contents: mounts[framework], resolveDir: folder },
  bundle: true,
  conditions: ["browser"],
  define: { "process.env.NODE_ENV": '"production"', __VUE_OPTIONS_API__: "false", __VUE_PROD_DEVTOOLS__: "false", __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false" },
  jsx: "automatic",
  logLevel: "error",
  plugins: [component],
  write: false,
});
process.stdout.write(outputFiles[0].text);
