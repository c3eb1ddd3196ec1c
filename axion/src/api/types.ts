// SPDX-License-Identifier: Apache-2.0
// Made by scripts/axion_types.py from what the server describes: do not edit.

export interface AccessMark { address: string; size: number; is_write: boolean }
/** Memory accesses in the order asked for. `next` is where to go on: the new `start` (forward) or `stop` (backward), None when there are no more. */ export interface AccessPage { transition: string; address: string; size: string; is_write: string; next: number | null }
/** Accesses to `size` bytes at `address` after or before a transition. */ export interface AccessRequest { address: string; size: number; transition: number; forward: boolean; reads: boolean; writes: boolean }
export interface AccessesArguments { start: number; stop: number; address: number; size: number; reads: boolean; writes: boolean; forward: boolean; limit: number }
export interface AddBookmarkArguments { key: string; transition: number; description: string }
export interface AddressAnswer { address: string; place: Place | null }
/** Addresses, ascending; `next`: the first one to go on with, None at the end. */ export interface AddressPage { address: string; next: number | null }
/** An expression such as `rsp+0x20`, `libc!environ`, `[rbp-8]` or `fs:0x28`. */ export interface AddressRequest { context: number; expression: string }
/** A linear address, or an offset in the segment that the register `segment` (fs, gs) holds. `size` in bytes, `name` how the publisher spells it. `transition`: moment, if any. */ export interface AddressSelection { type: "address"; trace: string; scenario: string; address: number; size?: number | null; name?: string | null; transition?: number | null; segment?: string | null }
export interface AllocationAtArguments { address: number; context: number; was_freed: boolean }
/** A block of memory: the `size` bytes asked for from `address` on. `id` numbers them in the order in which they were made. `freed`: the call that freed it, None if none did. `end_context`: the first in which it is no more, None if it lasts to the end; it may have gone without a call, when its memory was given out again. `moved_from`: the block that realloc or mremap made it of. */ export interface AllocationData { id: number; address: number; size: number; allocated: HeapCallData; freed: HeapCallData | null; end_context: number | null; moved_from: number | null }
/** Allocations by ascending id; `next`: id to go on with, None at the end. */ export interface AllocationPage { allocations: (AllocationData)[]; next: number | null }
export interface AllocationsArguments { first: number; limit: number }
/** Frames, the innermost first; `depth`: how many there are in all. */ export interface BacktraceAnswer { frames: (BacktraceFrame)[]; depth: number }
/** `pc`: where the frame stands; `call_site`: the transition that called it, None for what was there before the trace; `first_context`: the first of the function. */ export interface BacktraceFrame { type: "Call" | "Damaged" | "Interrupt" | "Manual" | "Unknown"; name: string; pc: string; place: Place | null; call: number | null; call_site: number | null; first_context: number; stack_pointer: string }
export interface BacktraceRequest { context: number }
export interface BinariesArguments {  }
/** An executed file. `id` names it in other queries of this trace. */ export interface BinaryData { id: number; path: string }
export interface BinaryRangesArguments { binary: number }
/** A note on a transition. `id` counts up in the order of creation and is never given again; `version` is 1 at first and counts the changes; `created` in seconds since 1970 (UTC). */ export interface BookmarkData { id: number; transition: number; description: string; version: number; created: number }
/** Bookmarks by ascending id; `next`: id to go on with, None at the end. */ export interface BookmarkPage { bookmarks: (BookmarkData)[]; next: number | null; revision: number }
export interface BookmarkRevisionArguments {  }
export interface BookmarksArguments { first: number; limit: number }
/** The bookmarks of a scenario have changed: ask for them again (queries `bookmarks` …). Sent to every client, whoever made the change; of several changes, perhaps only the last. `revision` is that of `BookmarkPage`. */ export interface BookmarksChanged { type: "bookmarks"; scenario: string; trace: string; revision: number }
export interface CallArguments { id: number }
export interface CallAtArguments { context: number }
export interface CallChildrenArguments { id: number; first: number; limit: number }
/** One activation of a function. `id` numbers calls in the order of their beginning, over all threads. `transition` is the call instruction (or signal, or jump) that created it, None for what was there before. `first_context` is the first in which the activation is on top. `end_transition` is the transition that left it for good (`ret`, the jump of a tail call that replaced it, the `longjmp` or unwinding that discarded it), None if it lasts to the end of the trace. `depth` counts the activations below it in its thread. `stack_pointer` is rsp in `first_context` (where its return address stands). `function` is the address entered. */ export interface CallData { id: number; parent: number | null; kind: "call" | "signal" | "start" | "tail" | "unknown"; thread: number; transition: number | null; first_context: number; end_transition: number | null; depth: number; function: number; return_address: number | null; stack_pointer: number }
/** Calls by ascending id; `next`: id to go on with, None at the end. */ export interface CallPage { calls: (CallData)[]; next: number | null }
/** The calls that are active, the outermost first. */ export interface CallPathAnswer { calls: (TreeCall)[] }
export interface CallPathRequest { context: number }
/** Nodes, each after its parent; `is_cut`: there were more than asked for. */ export interface CallTree { nodes: (CallTreeNode)[]; is_cut: boolean }
/** `next`: what to ask `first` with to get more; None: there are no more. */ export interface CallTreeAnswer { calls: (TreeCall)[]; next: number | null }
export interface CallTreeArguments { start: number; stop: number; thread: number | null; deepest: number; roots: ([number, number])[]; limit: number }
/** Activations of a function from the same place of the tree of calls, taken together. `parent` is the index of the node that called it, None for a root. `total` counts the transitions that the thread was in it or in what it called, `own` those in itself and in what is left out below it. `first_call` is the id of the first activation. */ export interface CallTreeNode { parent: number | null; thread: number; function: number; kind: "call" | "signal" | "start" | "tail" | "unknown"; first_call: number; count: number; total: number; own: number }
/** The calls made by call `parent`, from `first` on. */ export interface CallTreeRequest { parent: number; first?: number; limit?: number }
export interface CallsArguments { start: number; stop: number; thread: number | null; shortest: number; deepest: number; first: number; limit: number }
export interface CallsOfArguments { functions: ([number, number])[]; start: number; stop: number; forward: boolean; limit: number }
export interface CancelTaintArguments { query: TaintQuery }
export interface CreatedMatchesArguments { pattern: string; start: number; stop: number; limit: number }
/** Occurrences by the transition that brought each about. `is_mapping`: as contents of a new mapping, which is no access. `next` as in `AccessPage`. */ export interface CreatedPage { transition: string; address: string; is_mapping: string; next: number | null }
export interface DisassembleArguments { instructions: ([number, string])[] }
/** An instruction's text; `operands` is "" when it has none. */ export interface Disassembly { mnemonic: string; operands: string }
export interface EditBookmarkArguments { id: number; transition: number | null; description: string | null }
export interface EnumeratorData { name: string; value: number }
/** Why a request was not carried out. `error`: a class of `reven2.errors`, or what the server itself refused. `address`: of a MemoryReadError. */ export interface ErrorAnswer { error: string; message: string; address?: number | null }
/** `time` in seconds since 1970 (UTC). `gap`: events between the last one sent to this client and this one were left out (it was slow or away too long). */ export interface Event { type: "event"; session: string; sequence: number; origin: Origin; time: number; selection: TransitionSelection | AddressSelection; gap?: boolean }
/** A transition that is no instruction. `signal` is 0 and `signal_name` "" for a switch; `synchronous`: caused by the instruction at `pc`. */ export interface EventData { kind: number; thread: number; next_thread: number; signal: number; signal_name: string; synchronous: boolean; pc: number }
/** A part in which events of a kind are: how many, the first of them, and what that one is: a system call's or signal's number and name, or the thread that runs from there on. */ export interface EventPart { part: number; count: number; first: number; number: number; name: string }
export interface EventPartsArguments { kind: "signal" | "switch" | "syscall"; start: number; width: number; parts: number }
/** The executions of an address (`0x…`) after or before a transition. */ export interface ExecutionRequest { address: string; transition: number; forward: boolean }
export interface FindFunctionArguments { binary: number; name: string }
export interface FindInMemoryArguments { pattern: string; context: number; address: number; size: number; limit: number }
export interface FindInstructionsArguments { pattern: string; start: number; stop: number; forward: boolean; limit: number }
export interface FindMemoryChangeArguments { context: number; address: number; size: number; forward: boolean }
export interface FindPcsArguments { ranges: ([number, number])[]; start: number; stop: number; forward: boolean; limit: number }
export interface FindRegisterChangeArguments { context: number; offset: number; size: number; mask: number; forward: boolean }
export interface FindTypeArguments { binary: number; name: string }
export interface FindValueArguments { value: string; start: number; stop: number; size: number; limit: number }
export interface FormatValueArguments { context: number; binary: number; type: number; address: number | null; data: string }
/** A frame of a stack at a context. `pc`: where it stands (the top frame's rip, elsewhere the return address into it). `type` as `reven2.stack.StackFrameType`. */ export interface FrameData { type: "Call" | "Damaged" | "Interrupt" | "Manual" | "Unknown"; call: number | null; first_context: number; creation_transition: number | null; pc: number; function: number | null; stack_pointer: number }
export interface FramesArguments { context: number }
/** A function's prototype. `name` is that of the linker; `graph` holds the types of `parameters` and `returns` (0: void); its root is that of `returns`. */ export interface FunctionData { name: string; parameters: (ParameterData)[]; returns: number; is_variadic: boolean; graph: TypeGraph }
/** A call of a function that allocates or frees, or such a system call. `first_context` is the first in the function, `last_context` the first after it (None: it never returned). `return_address`: where its caller goes on, 0 if unknown. */ export interface HeapCallData { function: string; thread: number; first_context: number; last_context: number | null; return_address: number }
/** Something wrong that the program did at a transition. `address`, `size`, `is_write`: the access, of an uninitialized value the bytes that were never written, or what was freed (size 0). `allocation`: the id of the block beside, or in, which it lies, None for the stack and memory that never was of a block. `count`: how often the same instruction did the same to the same block. `branch`: of an uninitialized value, the conditional branch that it reaches. `thread`: who. */ export interface HeapErrorData { kind: "double-free" | "overflow" | "uninitialized" | "use-after-free"; transition: number; thread: number; pc: number; address: number; size: number; is_write: boolean; allocation: number | null; count: number; branch: number | null }
export interface HeapErrorsArguments { kind: "double-free" | "overflow" | "uninitialized" | "use-after-free"; limit: number }
/** First message. `listen`: sessions to listen to. `client`: the id of the former connection when it reconnects, with its `epoch` and what it has `seen`. */ export interface Hello { type: "hello"; version: number; kind: "axion" | "bridge" | "cli" | "notebook" | "python"; name: string; listen?: (string)[]; client?: string; epoch?: string; seen?: (Seen)[] }
/** Rows by ascending transition. `next`: the `start` to go on with in the direction, None at the end. */ export interface HistoryAnswer { rows: (HistoryRow)[]; next: number | null }
/** Accesses to [address, address + size) of transitions from `start` on, in a direction: forward those at and after it, backward those before it. */ export interface HistoryRequest { address: string; size: number; start: number; forward: boolean; limit: number; reads?: boolean; writes?: boolean }
/** An access. `value`: the bytes accessed as a number, "" where they are not known or many. `tokens`: the instruction, none for an access of the kernel's by an event. */ export interface HistoryRow { transition: number; address: string; size: number; is_write: boolean; value: string; pc: string; place: string; tokens: (["address" | "keyword" | "mnemonic" | "number" | "register" | "segment" | "symbol" | "text", string])[]; thread: number }
export interface InfoArguments {  }
/** `bytes` as of memory. `pointees`: where the 8 bytes there lead, as an address. */ export interface InspectAnswer { bytes: string; place: Place | null; pointees: (Pointee)[] }
export interface InspectRequest { context: number; address: string }
export interface IsMappedArguments { address: number; size: number; first_context: number; last_context: number }
/** A transition, an address, or for code both: its next execution, or else the previous one. */ export interface JumpAnswer { transition: number | null; address: string | null; place: Place | null }
/** What was typed: `#123`, `50%`, a symbol, or any address expression, as seen from a transition. */ export interface JumpRequest { text: string; transition: number }
export interface KnownName { name: string; binary: string; kind: "function" | "object" | "plt" }
export interface LinkKey { key: string }
export interface LinkPublishRequest { key: string; selection: TransitionSelection | AddressSelection }
/** Sessions that a click publishes to. `client` as in PublishRequest. */ export interface LinkRequest { tracked: (string)[]; client?: string }
export interface Listen { type: "listen"; session: string }
export interface LiveAllocationsArguments { context: number; first: number; limit: number }
export interface LocateArguments { context: number; address: number }
/** What stands at an address. `rva` counts from `base_address`, that of the binary or, outside of any, of the named `region` (`[stack]`, a data file). `file` is an absolute path of the recorded machine. */ export interface LocationData { binary: BinaryData | null; symbol: SymbolData | null; region: string; rva: number; base_address: number; file: string | null; line: number | null }
/** Path, below the server's address, that logs one browser in, once. */ export interface LoginAnswer { path: string }
/** Mapped addresses [start, stop). */ export interface MappedPart { start: string; stop: string }
export interface MappedRangesArguments { context: number }
/** A member of a structure. `name` is "" for an anonymous one. `offset` is in bytes, None if only an object tells it (a virtual base) or there is none (`kind` static). A bit field has `bit_size` > 0 and starts `bit_offset` bits after the structure, low bits first. */ export interface MemberData { name: string; type: number; offset: number | null; bit_size?: number; bit_offset?: number; kind?: "base" | "field" | "static" }
/** `origin`: what the expression means; `address`: of the first byte. `bytes`: two characters each, `??` for one that is not known. `inspected`: the origin. */ export interface MemoryAnswer { origin: string; address: string; bytes: string; mapped: (MappedPart)[]; marks: (AccessMark)[]; inspected: InspectAnswer }
/** `size` bytes in a context, from the beginning of the line (16 bytes) of an address, and `offset` bytes further. `expression`: the address, as `rsp+0x20`. `transition`: whose accesses are marked; `thread`: whose registers the expression means, None: those of the one that runs. */ export interface MemoryRequest { context: number; transition: number; expression: string; offset: number; size: number; thread?: number | null }
/** The transition to go to, None if there is none. */ export interface MoveAnswer { transition: number | null }
export interface NamesAnswer { names: (KnownName)[] }
/** Part of a symbol's name, without regard to case. */ export interface NamesRequest { text: string; limit?: number; kind?: "" | "function" | "object" }
export interface Nothing {  }
/** One explicit operand. `register`, `base`, `index` and `segment` are register names or ""; `size` is in bytes. */ export interface OperandData { kind: "immediate" | "memory" | "register"; size: number; is_read: boolean; is_written: boolean; register?: string; immediate?: number; segment?: string; base?: string; index?: string; scale?: number; displacement?: number }
export interface OperandsArguments { address: number; code: string }
/** Who published: the client's id on this server, its name and kind. */ export interface Origin { client: string; name: string; kind: "axion" | "bridge" | "cli" | "notebook" | "python" }
export interface OriginArguments { context: number; is_memory: boolean; address: number; size: number; limit: number }
/** A step back towards where a value came from. Places: whether it is memory, address and size, as in `TaintQuery.seeds`. `kind`: copy, load, store, arithmetic, constant, kernel move, processor, syscall input, syscall result, signal, mapping, start. `transition`: the one that gave `after` its value; None at the start. It came from `before`, as of `context`; None: it ends here. `others`: what else flowed in, or gave the rest of the place. `text`: more about the end. */ export interface OriginHop { kind: string; transition: number | null; after: [boolean, number, number]; before: [boolean, number, number] | null; context: number; others: ([boolean, number, number])[]; text: string }
export interface ParameterData { name: string; type: number }
/** Where a part of a variable is, `size` bytes. `register` is a register's name; `address` a linear address; `value` bytes that stand nowhere. A part that the compiler dropped has none of them. */ export interface PieceData { size: number; kind: "memory" | "optimized out" | "register" | "value"; register?: string; address?: number; value?: string }
export interface Ping { type: "ping" }
/** `text` is the whole, short: `main+0x12`, `libc.so.6+0x1f40`, `[stack]`. `symbol` with the `offset` in it, `binary` (path), `region` (`[stack]`, a data file), and the source line are there where known. */ export interface Place { text: string; symbol?: string; offset?: number; binary?: string; region?: string; file?: string; line?: number }
/** One step along a pointer: what stands at the address, and the string or 8-byte value there. `area`: what kind of memory it is. */ export interface Pointee { address: string; area: "code" | "data" | "heap" | "other" | "stack"; place?: string; string?: string; value?: string }
/** Answer to `Ping`; a client silent for 20 s is gone. */ export interface Pong { type: "pong" }
export interface Presence { type: "presence"; session: string; clients: (PresentClient)[] }
export interface PresentClient { client: string; name: string; kind: "axion" | "bridge" | "cli" | "notebook" | "python"; selection: TransitionSelection | AddressSelection | null; since: number }
/** The last message could not be carried out: one sentence. `fatal`: the server closes the connection. */ export interface Problem { type: "problem"; message: string; fatal?: boolean }
/** `name` as the kernel has it (at most 15 characters); `ppid` None if unknown. */ export interface ProcessData { name: string; pid: number; ppid: number | null }
export interface ProcessesArguments {  }
/** `number` is the client's own and comes back in `Published`; a repeated one is not published again. */ export interface Publish { type: "publish"; number: number; sessions: (string)[]; selection: TransitionSelection | AddressSelection }
/** How many other clients listened to one of the sessions. */ export interface PublishAnswer { listeners: number }
/** `client`: id of the sender's own sessions connection, which then gets no echo. */ export interface PublishRequest { selection: TransitionSelection | AddressSelection; sessions?: (string)[]; client?: string; name?: string; kind?: "axion" | "bridge" | "cli" | "notebook" | "python" }
/** `listeners`: other clients that listened to one of the sessions. */ export interface Published { type: "published"; number: number; listeners: number }
/** Linear addresses [start, stop) that mean something during the contexts [first_context, last_context]. */ export interface RangeData { start: number; stop: number; first_context: number; last_context: number }
export interface ReadKnownMemoryArguments { context: number; address: number; size: number }
export interface ReadMemoryArguments { context: number; address: number; size: number }
export interface RefreshArguments {  }
/** A register before and after the transition; `pointees` of the asked side. */ export interface RegisterChange { name: string; before: string; after: string; pointees: (Pointee)[] }
export interface RegisterChangeRequest { register: string; transition: number; forward: boolean }
/** Current thread and register view of each asked context. */ export interface RegisterPage { thread: string; view: string }
/** `thread` before and after. Values of vectors have all their digits. */ export interface RegistersAnswer { thread_before: number; thread_after: number; general: (RegisterChange)[]; flags: (RegisterChange)[]; vectors: (RegisterChange)[]; others: (RegisterChange)[] }
export interface RegistersArguments { contexts: (number)[] }
/** `side`: the moment whose pointers are followed. `thread`: whose registers; None: those of the one that executes the transition. */ export interface RegistersRequest { transition: number; side?: "after" | "before"; thread?: number | null }
export interface RemoveBookmarkArguments { id: number }
export interface RunRequest { transition: number; forward: boolean }
/** A trace: `uuid` is what selections of it carry. */ export interface ScenarioAnswer { uuid: string; transitions: number; complete: boolean; threads: (TraceThread)[]; binaries: (string)[] }
export interface ScenarioRequest {  }
/** `next`: what to go on with, None at the end; `total`: where that is at the end. */ export interface SearchAnswer { hits: (SearchHit)[]; next: number | null; total: number }
/** A transition that was found. `address` with `size`: of what it accessed. */ export interface SearchHit { transition: number; place: Place | null; tokens: (["address" | "keyword" | "mnemonic" | "number" | "register" | "segment" | "symbol" | "text", string])[]; address?: string; size?: number; note?: string }
/** The first transition found of each pixel that has one; `next`: what to go on with. */ export interface SearchMarksAnswer { transitions: (number)[]; next: number | null }
/** A search in transitions [start, stop), of which each `width` are one pixel. `first`: the `next` of the answer before, if there was one. */ export interface SearchMarksRequest { kind: "address" | "binary" | "instruction" | "memory" | "string" | "symbol" | "value"; text: string; start: number; stop: number; width: number; first?: number | null }
/** What `text` means depends on the `kind`: an address expression; a regular expression for names of functions (`libc!malloc`), for paths of binaries or for instructions; a number; bytes (`"text"` or hexadecimal digits); a piece of a string. From `first` on: 0, then the `next` of the answer before. */ export interface SearchRequest { kind: "address" | "binary" | "instruction" | "memory" | "string" | "symbol" | "value"; text: string; first?: number; limit?: number }
/** The last event of a session that a reconnecting client saw. */ export interface Seen { session: string; sequence: number }
/** `epoch` names this life of the server. Scenarios in the order of the command line. */ export interface ServerInfo { version: string; epoch: string; scenarios: (string)[] }
/** A session and how many clients listen to it. */ export interface SessionState { name: string; listeners: number }
/** All sessions, whenever one appears or a listener count changes. */ export interface Sessions { type: "sessions"; sessions: (SessionState)[] }
/** The lines of a file, or the `problem` with it. */ export interface SourceAnswer { lines: (string)[]; problem: string; is_newer: boolean }
/** `lines`: how many of its lines were executed; `is_here`: its text can be shown. */ export interface SourceFile { path: string; binary: string; lines: number; is_here: boolean }
/** A source file of which the trace executed something. `path` is that of the machine where it was compiled; `lines`: how many of its lines were executed; `is_here`: this machine has it too, and `source_text` reads it. */ export interface SourceFileData { path: string; binary: string; lines: number; is_here: boolean }
export interface SourceFilesAnswer { files: (SourceFile)[] }
export interface SourceFilesArguments {  }
export interface SourceFilesRequest {  }
/** An executed line (from 1). A run of it begins where one of `entries` is executed: the first instructions of its statements, as debuggers set breakpoints. `count`: all runs. */ export interface SourceLineData { line: number; count: number; entries: (number)[] }
export interface SourceLinesAnswer { lines: (SourceRuns)[] }
export interface SourceLinesArguments { path: string }
/** `path` as the trace has it. */ export interface SourceRequest { path: string }
/** `transition`: None if there is no further run. */ export interface SourceRunAnswer { transition: number | null }
/** The run of `line` of the file `path` that is nearest to transition `at`, after or before it. */ export interface SourceRunRequest { path: string; line: number; at: number; forward: boolean }
/** An executed line, how often it began to run, and the addresses where it does. */ export interface SourceRuns { line: number; count: number; addresses: (string)[] }
/** A source file as it is on this machine now, or the `problem` with it (one sentence). `is_newer`: it was changed after the recording. */ export interface SourceText { text: string; problem: string; is_newer: boolean }
export interface SourceTextArguments { path: string }
export interface StackChangeArguments { context: number; forward: boolean }
export interface StandingMatchesArguments { pattern: string; context: number; stop: number; first: number; limit: number }
/** `transition`: None where the trace has no such one. */ export interface StepAnswer { transition: number | null }
export interface StepArguments { transition: number; forward: boolean; over: boolean }
/** `over`: past what the instruction calls. `out`: to where the caller goes on, or backward to the call. */ export interface StepRequest { transition: number; kind: "out" | "over"; forward: boolean }
/** Strings by ascending id; columns of the same length, and each one's text. `size` is that in memory, in bytes; accesses are transitions. `next`: id to go on with, None at the end. */ export interface StringPage { id: string; address: string; size: string; is_utf16: string; first_access: string; last_access: string; text: (string)[]; next: number | null }
export interface StringsArguments { pattern: string; first: number; limit: number }
/** A symbol of a binary. `rva` and `size` in bytes. `is_resolver`: code that chooses, when the program starts, which function the name stands for. */ export interface SymbolData { binary: BinaryData; name: string; rva: number; size: number; kind: "function" | "object" | "plt"; demangled_name: string | null; is_resolver?: boolean }
export interface SymbolEntriesArguments { binary: number; rva: number }
/** Symbols from a position on; `next`: position to go on with, None at the end. */ export interface SymbolPage { symbols: (SymbolData)[]; next: number | null }
export interface SymbolsArguments { binary: number; pattern: string; case_sensitive: boolean; kind: string; start: number; limit: number }
/** Columns of transitions that touch tainted data, in the taint's direction: u64 transition, u8 changes (the taint), u32 item_count. `items`: of all of them, one after the other. `next`: transition to go on with; None where what was found ends. `reached`, `finished`: as of this page. */ export interface TaintAccessPage { transition: string; changes: string; item_count: string; items: TaintItems; next: number | null; reached: number; finished: boolean }
export interface TaintAccessesArguments { query: TaintQuery; start: number; changes_only: boolean; limit: number }
/** Columns of tainted data: u8 is_memory, u64 address, u32 size, u16 before, u16 after. Address and size as in `TaintQuery.seeds`. `before` and `after`, in the taint's direction: a bit for each tag that holds the data. */ export interface TaintItems { is_memory: string; address: string; size: string; before: string; after: string }
/** What is tainted, and between which contexts. Forward from `first` on, backward from `last` on. `seeds`: tag, whether it is memory, address, size. Of memory, the first byte and a number of bytes; of registers, the first bit in the register view and a number of bits. `key`: a text that nobody else chooses, such as a UUID: cancelling a taint does not concern who asked the same. */ export interface TaintQuery { seeds: ([number, boolean, number, number])[]; tag_count: number; first: number; last: number; forward: boolean; key: string }
export interface TaintStateArguments { query: TaintQuery; context: number; address: number; limit: number }
/** What is tainted in a context: `after` of `items` says by whom. `next`: the address that the memory goes on with, None at the end. */ export interface TaintStatePage { items: TaintItems; next: number | null }
/** `reached`: the context up to which results are there. `error`: "" or why it failed. */ export interface TaintStatus { reached: number; finished: boolean; cancelled: boolean; accesses: number; changes: number; error: string }
export interface TaintStatusArguments { query: TaintQuery }
/** Something that may make the taint wrong from a transition on. */ export interface TaintWarningData { transition: number; text: string }
export interface TaintWarningsArguments { query: TaintQuery; start: number; limit: number }
/** How many transitions of each part a thread ran. */ export interface ThreadActivity { thread: number; transitions: string }
export interface ThreadActivityArguments { start: number; width: number; parts: number }
export interface ThreadData { id: number; first_transition: number; last_transition: number }
export interface ThreadRegistersArguments { thread: number; context: number }
export interface ThreadsArguments {  }
/** A call lasts for the transitions [start, stop). */ export interface TimelineCall { id: number; thread: number; depth: number; kind: "call" | "signal" | "start" | "tail" | "unknown"; start: number; stop: number; name: string }
/** `complete`: there are no more calls than these. */ export interface TimelineCalls { calls: (TimelineCall)[]; complete: boolean }
/** Calls that overlap the transitions [start, stop), last at least `shortest` transitions and have a depth of `shallowest` to `deepest`. */ export interface TimelineCallsRequest { start: number; stop: number; shortest: number; shallowest?: number; deepest?: number }
/** A part with events: how many, and the first of them. */ export interface TimelineEvent { part: number; count: number; first: number; name: string }
/** Switches are there where several threads run. */ export interface TimelineEvents { threads: (TimelineThread)[]; syscalls: (TimelineEvent)[]; signals: (TimelineEvent)[]; switches: (TimelineEvent)[] }
/** `parts` parts of `width` transitions each, from `start` on. */ export interface TimelineRequest { start: number; width: number; parts: number }
/** `share` of its time that the thread ran in each part, 0 to 255. */ export interface TimelineThread { id: number; share: (number)[] }
/** `total`: transitions of the trace. */ export interface TraceAnswer { total: number; instructions: (TraceInstruction)[]; rows: (TraceRow)[] }
/** What the trace is. `uuid` tells traces apart; `kernel` is the recorded machine's kernel version, "" if unknown. */ export interface TraceInfo { uuid: string; name: string; path: string; complete: boolean; kernel: string }
/** An instruction of the page, once however often it runs there. `bytes` in hexadecimal; `ends_block`: control may go elsewhere after it. */ export interface TraceInstruction { address: string; bytes: string; tokens: (["address" | "keyword" | "mnemonic" | "number" | "register" | "segment" | "symbol" | "text", string])[]; place: Place | null; ends_block: boolean }
/** Transitions [first, first + count). Counts beyond the end are cut. */ export interface TraceRequest { first: number; count: number }
/** A transition. `instruction` indexes the page's, None for an event without one; `event` says what else it is than an instruction. */ export interface TraceRow { id: number; pc: string; thread: number; values: (TraceValue)[]; instruction?: number | null; event?: string }
export interface TraceThread { id: number; first_transition: number; last_transition: number }
/** A value that a transition took or gave: of a register (`name`), or of memory (`address`). `value` is a number of `size` bytes, "" where it is not known. `text`: what the address means, or for `note` the whole comment. */ export interface TraceValue { kind: "note" | "read" | "register" | "result" | "write"; value?: string; name?: string; address?: string; size?: number; text?: string }
export interface TransitionCountArguments {  }
/** Transition numbers in the order asked for; `next` as in `AccessPage`. */ export interface TransitionIds { transition: string; next: number | null }
/** Consecutive transitions. `instruction` indexes `code` and `address`, which hold each different instruction of the page once; `events` holds the transitions that are no instruction, by number. */ export interface TransitionPage { first: number; count: number; pc: string; kind: string; thread: string; instruction: string; address: string; code: (string)[]; events: Record<string, EventData> }
/** A transition of the trace with this uuid (TraceInfo.uuid) and scenario name. */ export interface TransitionSelection { type: "transition"; trace: string; scenario: string; transition: number }
export interface TransitionsArguments { start: number; stop: number }
/** A call lasts for the transitions [start, stop); `has_ended` is false where that is the end of the trace. `call_site`: the transition that made it. */ export interface TreeCall { id: number; kind: "call" | "signal" | "start" | "tail" | "unknown"; thread: number; depth: number; name: string; call_site: number | null; start: number; stop: number; has_ended: boolean }
/** A type. `id` names it within its binary. `name` is spelled as in the source, as gdb does it (`const char *`, `struct point [4]`). `size` is in bytes, None for what has none. `target` is the id of what a pointer, array, typedef, enumeration or qualifier is of, and of what a function returns. An array's `count` is None if the source does not say it. `members` is None where they were left out: `type_graph` of this id has them. `tag` is a structure's or enumeration's name without keyword; `is_scoped`: `enum class`. `parameters` are those of a function, and the class of a member pointer. `is_by_reference`: a structure that is passed by the address of a copy. */ export interface TypeData { id: number; kind: "array" | "atomic" | "boolean" | "character" | "class" | "complex" | "const" | "enumeration" | "float" | "function" | "integer" | "member pointer" | "pointer" | "reference" | "restrict" | "rvalue reference" | "struct" | "typedef" | "union" | "unknown" | "void" | "volatile"; name: string; size?: number | null; target?: number; is_signed?: boolean; is_scoped?: boolean; count?: number | null; tag?: string; members?: (MemberData)[] | null; enumerators?: (EnumeratorData)[] | null; parameters?: (number)[] | null; is_variadic?: boolean; is_by_reference?: boolean }
/** A type and those that it is made of. Of structures that are only pointed to, the members are left out. */ export interface TypeGraph { binary: number; root: number; types: (TypeData)[] }
export interface TypeGraphArguments { binary: number; type: number }
export interface Unlisten { type: "unlisten"; session: string }
/** Where a value occurs. `register`: 0 … 15 the general ones in encoding order, 16 … 31 the vector ones, 255 for a memory access, to which the other columns belong. `next` as in `AccessPage`. */ export interface ValuePage { transition: string; register: string; address: string; size: string; is_write: string; next: number | null }
export interface VariableArguments { context: number; name: string; frame: number }
/** A variable at a context. `type_name` is spelled as in the source. `data` are the bytes of its value, as many as are known and at most 64 KiB; None if it has none there. `text` is the value as gdb prints it. `function` is where it is declared, "" for a global one; `is_inlined`: that function was inlined here. `elements`: of an array whose type does not say it. `line` is that of the declaration, 0 if unknown. */ export interface VariableData { name: string; kind: "global" | "local" | "parameter" | "static"; binary: number; type: number; type_name: string; location: (PieceData)[]; data: string | null; text: string; function: string; is_inlined: boolean; elements: number | null; line: number }
/** `text`: the value as gdb prints it, "" where it has none; `place`: the registers it is in, or the reason why it has no value. `address` and `size`: where in memory it is. */ export interface VariableRow { name: string; kind: "global" | "local" | "parameter" | "static"; type: string; text: string; function?: string; is_inlined?: boolean; place?: string; address?: string; size?: number }
export interface VariablesAnswer { variables: (VariableRow)[] }
export interface VariablesArguments { context: number; frame: number; is_global: boolean }
/** Those in scope in the frame so many up the stack, or the global ones of its file. */ export interface VariablesRequest { context: number; frame?: number; is_global?: boolean }
/** Send `Presence` for this session now and whenever it changes. */ export interface WatchPresence { type: "watch"; session: string }
export interface Welcome { type: "welcome"; client: string; epoch: string; may_publish: boolean }
/** Presence: where the client is looking now. */ export interface Where { type: "where"; selection: TransitionSelection | AddressSelection | null }
export type ClientMessage = Hello | Listen | Unlisten | Publish | Where | WatchPresence | Pong;
export type ServerMessage = Welcome | Event | Published | Sessions | Presence | BookmarksChanged | Ping | Problem;

/** Requests below /api/v1/scenarios/{scenario}/, by name. */
export interface Queries {
  accesses: { arguments: AccessesArguments; answer: AccessPage };
  add_bookmark: { arguments: AddBookmarkArguments; answer: BookmarkData };
  allocation_at: { arguments: AllocationAtArguments; answer: AllocationData | null };
  allocations: { arguments: AllocationsArguments; answer: AllocationPage };
  binaries: { arguments: BinariesArguments; answer: (BinaryData)[] };
  binary_ranges: { arguments: BinaryRangesArguments; answer: (RangeData)[] };
  bookmark_revision: { arguments: BookmarkRevisionArguments; answer: number };
  bookmarks: { arguments: BookmarksArguments; answer: BookmarkPage };
  call: { arguments: CallArguments; answer: CallData };
  call_at: { arguments: CallAtArguments; answer: CallData | null };
  call_children: { arguments: CallChildrenArguments; answer: CallPage };
  call_tree: { arguments: CallTreeArguments; answer: CallTree };
  calls: { arguments: CallsArguments; answer: CallPage };
  calls_of: { arguments: CallsOfArguments; answer: CallPage };
  cancel_taint: { arguments: CancelTaintArguments; answer: null };
  created_matches: { arguments: CreatedMatchesArguments; answer: CreatedPage };
  disassemble: { arguments: DisassembleArguments; answer: (Disassembly)[] };
  edit_bookmark: { arguments: EditBookmarkArguments; answer: BookmarkData };
  event_parts: { arguments: EventPartsArguments; answer: (EventPart)[] };
  find_function: { arguments: FindFunctionArguments; answer: FunctionData | null };
  find_in_memory: { arguments: FindInMemoryArguments; answer: AddressPage };
  find_instructions: { arguments: FindInstructionsArguments; answer: TransitionIds };
  find_memory_change: { arguments: FindMemoryChangeArguments; answer: number | null };
  find_pcs: { arguments: FindPcsArguments; answer: TransitionIds };
  find_register_change: { arguments: FindRegisterChangeArguments; answer: number | null };
  find_type: { arguments: FindTypeArguments; answer: TypeGraph | null };
  find_value: { arguments: FindValueArguments; answer: ValuePage };
  format_value: { arguments: FormatValueArguments; answer: string };
  frames: { arguments: FramesArguments; answer: (FrameData)[] };
  heap_errors: { arguments: HeapErrorsArguments; answer: (HeapErrorData)[] };
  info: { arguments: InfoArguments; answer: TraceInfo };
  is_mapped: { arguments: IsMappedArguments; answer: boolean };
  live_allocations: { arguments: LiveAllocationsArguments; answer: AllocationPage };
  locate: { arguments: LocateArguments; answer: LocationData | null };
  mapped_ranges: { arguments: MappedRangesArguments; answer: (RangeData)[] };
  operands: { arguments: OperandsArguments; answer: (OperandData)[] };
  origin: { arguments: OriginArguments; answer: (OriginHop)[] };
  processes: { arguments: ProcessesArguments; answer: (ProcessData)[] };
  read_known_memory: { arguments: ReadKnownMemoryArguments; answer: [string, string] };
  read_memory: { arguments: ReadMemoryArguments; answer: string };
  refresh: { arguments: RefreshArguments; answer: number };
  registers: { arguments: RegistersArguments; answer: RegisterPage };
  remove_bookmark: { arguments: RemoveBookmarkArguments; answer: null };
  source_files: { arguments: SourceFilesArguments; answer: (SourceFileData)[] };
  source_lines: { arguments: SourceLinesArguments; answer: (SourceLineData)[] };
  source_text: { arguments: SourceTextArguments; answer: SourceText };
  stack_change: { arguments: StackChangeArguments; answer: number | null };
  standing_matches: { arguments: StandingMatchesArguments; answer: AddressPage };
  step: { arguments: StepArguments; answer: number | null };
  strings: { arguments: StringsArguments; answer: StringPage };
  symbol_entries: { arguments: SymbolEntriesArguments; answer: (RangeData)[] };
  symbols: { arguments: SymbolsArguments; answer: SymbolPage };
  taint_accesses: { arguments: TaintAccessesArguments; answer: TaintAccessPage };
  taint_state: { arguments: TaintStateArguments; answer: TaintStatePage };
  taint_status: { arguments: TaintStatusArguments; answer: TaintStatus };
  taint_warnings: { arguments: TaintWarningsArguments; answer: (TaintWarningData)[] };
  thread_activity: { arguments: ThreadActivityArguments; answer: (ThreadActivity)[] };
  thread_registers: { arguments: ThreadRegistersArguments; answer: string | null };
  threads: { arguments: ThreadsArguments; answer: (ThreadData)[] };
  transition_count: { arguments: TransitionCountArguments; answer: number };
  transitions: { arguments: TransitionsArguments; answer: TransitionPage };
  type_graph: { arguments: TypeGraphArguments; answer: TypeGraph };
  variable: { arguments: VariableArguments; answer: VariableData | null };
  variables: { arguments: VariablesArguments; answer: (VariableData)[] };
}

/** Requests below /api/v1/scenarios/{scenario}/views/, by name. */
export interface Views {
  access: { arguments: AccessRequest; answer: MoveAnswer };
  address: { arguments: AddressRequest; answer: AddressAnswer };
  backtrace: { arguments: BacktraceRequest; answer: BacktraceAnswer };
  call_path: { arguments: CallPathRequest; answer: CallPathAnswer };
  call_tree: { arguments: CallTreeRequest; answer: CallTreeAnswer };
  execution: { arguments: ExecutionRequest; answer: MoveAnswer };
  history: { arguments: HistoryRequest; answer: HistoryAnswer };
  inspect: { arguments: InspectRequest; answer: InspectAnswer };
  jump: { arguments: JumpRequest; answer: JumpAnswer };
  memory: { arguments: MemoryRequest; answer: MemoryAnswer };
  names: { arguments: NamesRequest; answer: NamesAnswer };
  register_change: { arguments: RegisterChangeRequest; answer: MoveAnswer };
  registers: { arguments: RegistersRequest; answer: RegistersAnswer };
  run: { arguments: RunRequest; answer: MoveAnswer };
  scenario: { arguments: ScenarioRequest; answer: ScenarioAnswer };
  search: { arguments: SearchRequest; answer: SearchAnswer };
  search_marks: { arguments: SearchMarksRequest; answer: SearchMarksAnswer };
  source: { arguments: SourceRequest; answer: SourceAnswer };
  source_files: { arguments: SourceFilesRequest; answer: SourceFilesAnswer };
  source_lines: { arguments: SourceRequest; answer: SourceLinesAnswer };
  source_run: { arguments: SourceRunRequest; answer: SourceRunAnswer };
  step: { arguments: StepRequest; answer: StepAnswer };
  timeline_calls: { arguments: TimelineCallsRequest; answer: TimelineCalls };
  timeline_events: { arguments: TimelineRequest; answer: TimelineEvents };
  trace: { arguments: TraceRequest; answer: TraceAnswer };
  variables: { arguments: VariablesRequest; answer: VariablesAnswer };
}
