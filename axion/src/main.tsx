// SPDX-License-Identifier: Apache-2.0
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { addCommands, runKey } from "./commands";
import { focus } from "./focus";
import { addMoveCommands } from "./moves";
import { followAddress } from "./route";
import { begin, open, scenario } from "./scenario";
import { openDock } from "./shell/dock";
import { Menu, startMenu } from "./shell/menu";
import { openPalette, Palette } from "./shell/palette";
import { LongQueries, openLongQueries } from "./shell/queries";
import { openShortcuts, Shortcuts } from "./shell/shortcuts";
import { ConnectionStatus } from "./shell/status";
import { Toolbar } from "./shell/toolbar";
import { startTheme } from "./ui/theme";
import { Toast } from "./ui/toast";
import "dockview-core/dist/styles/dockview.css";
import "./style/theme.css";
import "./style/shell.css";

function Dock() {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => (element.current ? openDock(element.current) : undefined), []);
  return <div class="dock" ref={element} />;
}

function App() {
  const name = focus.value.scenario;
  useEffect(() => {
    document.title = name ? `${name} · Axion` : "Axion";
  }, [name]);
  return (
    <>
      <Toolbar />
      <ConnectionStatus />
      <main>{scenario.value === null ? <p class="empty">Opening…</p> : <Dock />}</main>
      <Toast />
      <Palette />
      <Menu />
      <Shortcuts />
      <LongQueries />
    </>
  );
}

startTheme();
addMoveCommands();
startMenu();
addCommands(
  {
    id: "palette",
    title: "All commands",
    group: "Other",
    keys: ["Ctrl+K", "Ctrl+P"],
    run: openPalette,
  },
  { id: "shortcuts", title: "Shortcuts", group: "Other", keys: ["?"], run: openShortcuts },
  { id: "queries", title: "Long queries: list and cancel", group: "Other", run: openLongQueries },
);
window.addEventListener("keydown", runKey);
followAddress((route) => void open(route));
const root = document.getElementById("app");
if (root) render(<App />, root);
void begin();
