// SPDX-License-Identifier: Apache-2.0
// The client that VS Code's own debug adapters are tested with: reads [port, requests], prints what
// each request was answered and, if it moves, the event that followed.
const { DebugClient } = require("@vscode/debugadapter-testsupport");

const MOVES = new Set([
  "continue", "reverseContinue", "next", "stepIn", "stepOut", "stepBack", "goto",
  "configurationDone", "reven/goto", "reven/reverseStepOut",
]);

async function main() {
  const { port, requests } = JSON.parse(process.argv[2]);
  const client = new DebugClient("node", "", "reven");
  client.defaultTimeout = 60000;
  await client.start(port);
  for (const [command, given] of requests) {
    const args = JSON.parse(JSON.stringify(given), (_, value) => seen(value));
    const stopped = MOVES.has(command) ? client.waitForEvent("stopped") : undefined;
    let answer;
    try {
      answer = (await client.send(command, args)).body;
      if (command === "launch") await client.waitForEvent("initialized");
      if (stopped) answer = { ...answer, stopped: (await stopped).body };
    } catch (error) {
      stopped?.catch(() => {});
      answer = { error: error.message };
    }
    answers.push(answer);
    console.log(JSON.stringify(answer));
  }
  await client.stop();
}

// "$3.variables.0.name" is what the third answer had there.
const answers = [];
function seen(value) {
  if (typeof value !== "string" || !/^\$\d+\./.test(value)) return value;
  const [number, ...path] = value.slice(1).split(".");
  return path.reduce((at, name) => at[name], answers[number]);
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
