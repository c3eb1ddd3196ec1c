# SPDX-License-Identifier: Apache-2.0
"""Every name that the documented interface has, by area, and a program whose trace has one of
each thing.

What belongs to other systems than Linux user programs is not here: `preview.windows`, and the
workflow calls of the project manager that drive virtual machines. Where each name is documented
stands in docs/reference/compatibility.md.
"""

from __future__ import annotations

PROGRAM = r"""
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum colour { RED, GREEN = 5 };
struct inner { int16_t low; int16_t high; };
struct thing {
    uint32_t size;
    enum colour colour;
    const char *name;
    struct inner *inner;
    double weight;
    uint8_t bytes[4];
};
struct inner the_inner = {3, -4};
struct thing the_thing = {48, GREEN, "a documented name", &the_inner, 2.5, {1, 2, 3, 4}};
char copy[64];

__attribute__((noinline)) int use(const struct thing *thing) {
    strcpy(copy, thing->name);
    return copy[2] + (int)thing->size;
}

int main(void) {
    int result = use(&the_thing);
    if (write(1, "x", result > 0) < 0) return 2;
    *(volatile int *)8 = result;
    return 0;
}
"""

MODULES = {
    "package": """
        RevenServer address arch arch.x64 arch.msr arch.sse2 arch.x87 arch.helpers arch.register
        types memhist trace util ossi ossi.ossi ossi.process ossi.os bookmark filter stack session
        string search search_in_memory memory_range register_slice preview preview.taint
        preview.project_manager preview.prototypes
    """,
    "address": """
        address.PhysicalAddress address.LinearAddress address.LogicalAddress
        address.LogicalAddressSegmentIndex address._AbstractAddress
    """,
    "session": "session.Session session.Sessions session.TrackedSessions",
    "trace": """
        trace.Trace trace.Transition trace.TransitionType.Instruction
        trace.TransitionType.Exception trace.Context trace.Instruction trace.Exception
        trace.Mode.X86_64 trace.Mode.X86_32
    """,
    "search": "search.Search search_in_memory.Search search_in_memory.Match",
    "memhist": """
        memhist.MemoryAccess memhist.MemoryAccessOperation.Read
        memhist.MemoryAccessOperation.Write
    """,
    "memory range": """
        memory_range.MemoryRange memory_range.MemoryRangeSet memory_range.MemoryRangeMap
    """,
    "types": """
        types.Bool types.U8 types.U16 types.U32 types.U64 types.U128 types.I8 types.I16 types.I32
        types.I64 types.I128 types.USize types.ISize types.F16 types.F32 types.F64
        types.FixedWidthInteger types.Signedness.Signed types.Signedness.Unsigned
        types.Endianness.Little types.Endianness.Big types.LittleEndian types.BigEndian
        types.Pointer types.Array types.RawBuffer types.CString types.Encoding.Utf8
        types.Encoding.Utf16 types.Struct types.Enumeration types.StructInstance
        types._instance.FieldInstance
    """,
    "registers": """
        arch.register.Register arch.register.Category arch.register.Register.from_name
        arch.helpers.x64_registers arch.msr.gs_base arch.msr.kernel_gs_base arch.sse2.xmm0
        arch.x87.st0 arch.x64.rax arch.x64.eax arch.x64.al arch.x64.rcx arch.x64.ecx arch.x64.rdx
        arch.x64.edx arch.x64.rsi arch.x64.rdi arch.x64.rsp arch.x64.esp arch.x64.r8 arch.x64.r9
        arch.x64.rip arch.x64.eip arch.x64.cs arch.x64.ss arch.x64.gs arch.x64.cr3 arch.x64.cf
        arch.x64.pf arch.x64.af arch.x64.zf arch.x64.sf arch.x64.tf arch.x64.if_ arch.x64.df
        arch.x64.of arch.x64.nt arch.x64.rf
    """,
    "register slice": "register_slice.RegisterSlice",
    "ossi": """
        ossi.Os ossi.OsError ossi.OsFamily.Windows ossi.OsFamily.Linux
        ossi.WindowsVersion.Windows7 ossi.WindowsVersion.Windows8 ossi.WindowsVersion.Windows10
        ossi.Architecture.X64 ossi.KernelVersion ossi.os.Os ossi.os.OsError ossi.ossi.Ossi
        ossi.ossi.Binary ossi.ossi.Symbol ossi.ossi.Location ossi.process.Process
    """,
    "stack": """
        stack.Stack stack.StackFrame stack.StackFrameType.Call stack.StackFrameType.Interrupt
        stack.StackFrameType.Manual stack.StackFrameType.Damaged stack.StackFrameType.Unknown
        stack.FrameStart
    """,
    "string": "string.String",
    "bookmark": "bookmark.Bookmark bookmark.BookmarkManager",
    "filter": "filter.RingPolicy.R3Only filter.RingPolicy.R0Only",
    "taint": """
        preview.taint.Tainter preview.taint.Taint preview.taint.TaintedMemories
        preview.taint.TaintedRegisterSlice preview.taint.TaintState preview.taint.TaintAccess
        preview.taint.TaintWarning preview.taint.ChangeMarkers
        preview.taint.PropagationDirection.Forward preview.taint.PropagationDirection.Backward
    """,
    "project manager": """
        preview.project_manager.ProjectManager.connect
        preview.project_manager.ProjectManager.get_server_by
    """,
    "prototypes": """
        preview.prototypes.RevenPrototypes preview.prototypes.callconv_helper.CallConvHelper
    """,
    "util": "util.collate",
}
"""Names below `reven2` that `import reven2`, with `import reven2.preview`, makes reachable."""

MEMBERS = {
    "server": "trace ossi bookmarks scenario_name",
    "remote server": "trace ossi bookmarks scenario_name sessions host port",
    "sessions": """
        publish_transition publish_address tracked available active
        _publish _js_publish_transition _js_publish_address _instances _rvn _sessions
    """,
    "trace": """
        transition_count transition transitions context_before context_after contexts
        first_transition last_transition first_context last_context search memory_accesses
        strings filter _context
    """,
    "transition": """
        id type instruction exception context_before context_after memory_accesses pc mode
        find_inverse step_out step_over format_as_html _repr_html_ _trace
    """,
    "instruction": "raw size mnemonic operands",
    "exception": "related_instruction",
    "context": """
        read deref transition_before transition_after ossi stack is64b find_register_change
        find_memory_change search_in_memory physical_memory_regions _id
    """,
    "search": "pc symbol binary memory",
    "memory search": "matches",
    "match": """
        id physical_start_address physical_end_address virtual_start_address virtual_end_address
        known_mapped_context size_byte first_context last_context creation_transition
        destruction_transition accesses pattern
    """,
    "access": "transition physical_address virtual_address size operation",
    "address": "offset translate _repr_html_",
    "memory range": "address size union intersection translate",
    "struct": "name",
    "struct instance": "field as_bytes type",
    "field": """
        read assert_int assert_float read_int read_float read_struct read_ptr read_array
        read_bytes deref_struct info parent_instance
    """,
    "pointer": "address deref assert_struct cast_inner",
    "register slice": """
        begin end register intersection union difference isdisjoint issubset issuperset
        canonicalize is_canonical minimize is_minimal is_same_form flags
    """,
    "ossi": "executed_binaries symbols executed_processes os",
    "binary": "path filename name symbols data_symbols exact_type",
    "symbol": "name rva binary demangled_name",
    "location": "binary symbol rva base_address",
    "process": "name pid",
    "os": "architecture family kernel_version windows_version matches expect",
    "stack": "frame frames prev_stack next_stack",
    "frame": """
        type first_context creation_transition format_as_html _repr_html_ ancestors children
        reversed_children descendant_events function_location function_start start_event end_event
        first_executed_context last_context parent
    """,
    "descendant events": "skip_children",
    "frame start": "frame",
    "string": """
        id data size address address_range first_access last_access encoding memory_accesses
        format_as_html _repr_html_
    """,
    "bookmarks": "all add remove_if remove",
    "bookmark": "id transition description _repr_html_",
    "context range": "begin end",
    "taint": "accesses state_at warnings progress cancel",
    "taint view": "all available filter_by_context_range",
    "taint access": """
        transition tainted_registers tainted_memories state_before state_after
    """,
    "taint state": "context tainted_registers tainted_memories",
    "prototypes": "calling_conventions parse_one_function parse_translation_unit",
    "function": "call_site_values",
    "call site": "arg_n args ret",
    "translation unit": "functions unknown_types diagnostics",
}
"""Members of a thing of each kind."""

PARAMETERS = {
    "trace.Trace.memory_accesses": """
        address size from_transition to_transition is_forward operation fetch_count address_range
    """,
    "trace.Trace.strings": "pattern",
    "trace.Trace.filter": "processes ring_policy",
    "trace.Context.read": "source ty_or_size raw",
    "trace.Context.find_register_change": "register is_forward",
    "trace.Context.search_in_memory": "pattern address size",
    "trace.Transition.step_over": "is_forward",
    "trace.Transition.step_out": "is_forward",
    "search.Search.symbol": "symbol from_context to_context",
    "search.Search.binary": "binary from_context to_context",
    "search.Search.memory": "pattern from_context to_context",
    "session.Sessions.publish_address": "address size",
    "string.String.memory_accesses": "from_transition to_transition",
    "ossi.ossi.Ossi.symbols": "pattern binary_hint case_sensitive",
    "ossi.ossi.Ossi.executed_binaries": "pattern",
    "types.CString": "encoding max_size max_character_count",
    "preview.taint.Tainter.simple_taint": "tag0 tag1 from_context to_context is_forward",
    "preview.taint.Taint.accesses": "changes_only",
    "util.collate": "iterables key",
    "memory_range.MemoryRangeMap": "items subtract merge",
}
"""Parameters that scripts give by name."""
