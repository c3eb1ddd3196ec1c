// SPDX-License-Identifier: Apache-2.0
// What the bindings share: columns as numpy arrays, and progress.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <stdexcept>
#include <string_view>
#include <vector>

#include "replay/trace.h"

namespace reven {

struct Cancelled : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Text of a program or a trace, which may hold any bytes: what is no UTF-8 is replaced.
inline nanobind::str text_of(std::string_view bytes) {
    PyObject* found =
        PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "replace");
    if (found == nullptr) throw nanobind::python_error();
    return nanobind::steal<nanobind::str>(found);
}

template <typename T>
using ColumnArray = nanobind::ndarray<nanobind::numpy, T, nanobind::ndim<1>>;

// A numpy array that owns `values`.
template <typename T>
ColumnArray<T> column(std::vector<T>&& values) {
    auto* owned = new std::vector<T>(std::move(values));
    nanobind::capsule owner(
        owned, [](void* pointer) noexcept { delete static_cast<std::vector<T>*>(pointer); });
    return ColumnArray<T>(owned->data(), {owned->size()}, owner);
}

using TableArray = nanobind::ndarray<nanobind::numpy, uint8_t, nanobind::ndim<2>>;

inline TableArray table(std::vector<uint8_t>&& values, size_t width) {
    auto* owned = new std::vector<uint8_t>(std::move(values));
    nanobind::capsule owner(
        owned, [](void* pointer) noexcept { delete static_cast<std::vector<uint8_t>*>(pointer); });
    return TableArray(owned->data(), {owned->size() / width, width}, owner);
}

// What Python gives a long call: `progress(done, total)`, or None.
using ProgressCallback =
    nanobind::typed<nanobind::object,
                    nanobind::typed<nanobind::callable, std::optional<bool>(uint64_t, uint64_t)>>;

// Called without the GIL: lets Python handle signals.
inline void handle_signals(uint64_t, uint64_t) {
    nanobind::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() != 0) throw nanobind::python_error();
}

// The same, and lets Python see the progress.
inline Progress progress_of(const ProgressCallback& callback) {
    return [&callback](uint64_t done, uint64_t total) {
        nanobind::gil_scoped_acquire acquire;
        if (PyErr_CheckSignals() != 0) throw nanobind::python_error();
        if (callback.is_none()) return;
        const nanobind::object answer = callback(done, total);
        if (answer.is(nanobind::bool_(false))) throw Cancelled("the query was cancelled");
    };
}

// Binds a column that is handed over to numpy once, then kept by Python; perhaps with a docstring.
template <typename Class, typename T, typename... Docstring>
void bind_column(nanobind::class_<Class>& bound, const char* name, std::vector<T> Class::*member,
                 const Docstring&... doc) {
    bound.def_prop_ro(
        name,
        [member](nanobind::handle_t<Class> self) {
            auto& values = nanobind::cast<Class&>(self).*member;
            return ColumnArray<T>(values.data(), {values.size()}, self);
        },
        doc...);
}

}  // namespace reven
