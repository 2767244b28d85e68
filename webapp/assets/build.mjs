// Compiles the styles and copies the other assets into webapp/static/build/, each under a name that holds its
// fingerprint, and writes manifest.json: {"app.css": "app-1a2b3c4d5e.css", ...}. Run by `npm run build`.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "sass";

const source = dirname(fileURLToPath(import.meta.url));
const root = resolve(source, "../..");
const target = join(root, "webapp/static/build");

const styles = (name) =>
  compile(join(source, name), { loadPaths: [join(root, "node_modules")], style: "compressed", quietDeps: true }).css;
const files = {
  "app.css": pruned(styles("app.scss")),
  "councils.css": styles("councils.scss"),
  "app.js": readFileSync(join(source, "app.js"), "utf8"),
  "council.js": councilScript(),
  "favicon.svg": readFileSync(join(source, "favicon.svg"), "utf8"),
};

// The choice of a council alone needs the autocomplete, so it comes with that page's own script.
function councilScript() {
  const packaged = join(root, "node_modules/accessible-autocomplete/dist/accessible-autocomplete.min.js");
  const autocomplete = readFileSync(packaged, "utf8").replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
  const licence = "/* accessible-autocomplete, MIT licence, Crown copyright (Government Digital Service) */\n";
  return licence + autocomplete + readFileSync(join(source, "council.js"), "utf8");
}

// GOV.UK Frontend's components come whole. Without the variants that no page names (unused.json lists how their classes
// begin) each page is 12 kB lighter. A class inside :not() is no use of it.
function pruned(css) {
  const begin = JSON.parse(readFileSync(join(source, "unused.json"), "utf8"));
  const unused = new RegExp(`\\.(?:${begin.join("|")})`);
  const isUsed = (selector) => !unused.test(selector.replace(/:not\([^)]*\)/g, ""));
  const rules = css.replace(/([^{}]+)\{([^{}]*)\}/g, (rule, selectors, body) => {
    if (selectors.trim().startsWith("@")) return rule;
    const kept = selectors.split(/,(?![^(]*\))/).filter(isUsed);
    return kept.length ? `${kept.join(",")}{${body}}` : "";
  });
  return rules.replace(/@(?:media|supports)[^{}]+\{\}/g, "");
}

mkdirSync(target, { recursive: true });
const manifest = {};
for (const [name, content] of Object.entries(files)) {
  const extension = extname(name);
  const fingerprint = createHash("sha256").update(content).digest("hex").slice(0, 10);
  manifest[name] = `${name.slice(0, -extension.length)}-${fingerprint}${extension}`;
  writeFileSync(join(target, manifest[name]), content);
}
// The manifest is replaced whole and last: a server that starts meanwhile sees the old build or the new one.
writeFileSync(join(target, "manifest.json.new"), `${JSON.stringify(manifest, null, 2)}\n`);
renameSync(join(target, "manifest.json.new"), join(target, "manifest.json"));
const kept = new Set(["manifest.json", ...Object.values(manifest)]);
for (const name of readdirSync(target)) {
  if (!kept.has(name)) rmSync(join(target, name), { recursive: true });
}
