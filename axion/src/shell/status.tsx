// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { connection, logIn } from "../api/client";
import { Dialog } from "./dialog";

/** Says that the server is gone, or asks for its token. */
export function ConnectionStatus() {
  if (connection.value === "locked") return <TokenDialog />;
  if (connection.value !== "lost") return null;
  return (
    <div class="banner" role="alert">
      The server does not answer. What you see stays; Axion goes on as soon as it is back.
    </div>
  );
}

function TokenDialog() {
  const [wrong, setWrong] = useState("");
  return (
    <Dialog label="Token" class="token">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const token = new FormData(event.currentTarget).get("token");
          void logIn(String(token).trim()).then((problem) => setWrong(problem ?? ""));
        }}
      >
        <h2>This server wants its token</h2>
        <p>
          Open the address that <code>reven serve</code> printed, or enter the token of this run of
          the server: it is in the file <code>reven/PORT.json</code> below{" "}
          <code>$XDG_RUNTIME_DIR</code>, or <code>~/.cache/reven/run/PORT.json</code>.
        </p>
        <input name="token" type="password" aria-label="Token" autocomplete="off" required />
        {wrong && (
          <p class="wrong" role="alert">
            {wrong}
          </p>
        )}
        <button type="submit" class="tool primary">
          Log in
        </button>
      </form>
    </Dialog>
  );
}
