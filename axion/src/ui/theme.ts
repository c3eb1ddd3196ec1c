// SPDX-License-Identifier: Apache-2.0
import { effect, signal } from "@preact/signals";
import { addCommands } from "../commands";

export type Theme = "dark" | "light";

const STORED = "axion.theme";

function initial(): Theme {
  const stored = localStorage.getItem(STORED);
  if (stored === "dark" || stored === "light") return stored;
  return window.matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}

export const theme = signal<Theme>(initial());

export function startTheme(): void {
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
  });
  addCommands({
    id: "theme",
    title: "Dark or light",
    group: "Look",
    run: () => {
      theme.value = theme.peek() === "dark" ? "light" : "dark";
      localStorage.setItem(STORED, theme.peek());
    },
  });
}
