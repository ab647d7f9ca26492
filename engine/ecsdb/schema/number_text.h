// Numbers as text, the same everywhere: no locale.
#pragma once

#include <string>

namespace ecsdb {

/// The shortest text that reads back as the same number; "nan", "inf", "-inf".
std::string number_text(double value);
std::string number_text(float value);
/// At most `digits` significant digits, for messages.
std::string number_text_rounded(double value, int digits);

}  // namespace ecsdb
