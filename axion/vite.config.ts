// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from "vitest/config";

export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    target: "es2022",
    assetsDir: "assets",
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
  },
  test: {
    include: ["tests/**/*.test.ts"],
    environment: "happy-dom",
  },
  server: {
    // `npm run dev` beside a `reven serve` on its usual port.
    proxy: {
      "/api": { target: "http://localhost:13370", ws: true },
      "/login": "http://localhost:13370",
    },
  },
});
