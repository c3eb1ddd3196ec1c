// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from "vite";

export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    target: "es2022",
    assetsDir: "assets",
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
  },
  server: {
    // `npm run dev` beside a `reven serve` on its usual port.
    proxy: {
      "/api": { target: "http://localhost:13370", ws: true },
      "/login": "http://localhost:13370",
    },
  },
});
