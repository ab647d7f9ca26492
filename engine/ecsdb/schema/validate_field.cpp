#include "ecsdb/schema/validate_field.h"

#include <cmath>
#include <limits>

#include "ecsdb/schema/canonical.h"
#include "ecsdb/schema/field_lanes.h"
#include "ecsdb/schema/number_text.h"

namespace ecsdb {
namespace {

/// Ends of a range lie within this: (max - min) times 2^32 must not overflow, and f32 and vector
/// components must fit a float.
double range_limit(FieldType type) { return type == FieldType::kF64 ? 1e290 : 1e38; }

/// One field under check.
class FieldCheck {
 public:
  FieldCheck(const FieldDef& def, const SchemaPlace& place, const FieldContext& context,
             ProblemList& problems)
      : def_(def), place_(place), context_(context), problems_(problems) {}

  void run() {
    check_name(def_.name, "field", at("name"), problems_);
    check_since();
    if (!type_is_known(def_.type)) {
      note("type",
           "type number " + std::to_string(static_cast<int>(def_.type)) + " is no field type");
      return;
    }
    check_type_details();
    check_quantise();
    check_policy();
    check_write();
    if (context_.in_event) check_event_field();
    check_default();
  }

 private:
  SchemaPlace at(const char* attribute) const { return at_attribute(place_, attribute); }
  void note(const char* attribute, std::string message) {
    problems_.add(at(attribute), std::move(message));
  }
  std::string type() const { return std::string(field_type_name(def_.type)); }

  void check_since() {
    if (def_.since >= 1 && def_.since <= context_.schema_version) return;
    note("since", "since = " + std::to_string(def_.since) +
                      " is not a version of this schema: use 1 to " +
                      std::to_string(context_.schema_version) + ", or raise the schema's version");
  }

  void check_type_details() {
    if (def_.type == FieldType::kEnum) {
      if (context_.enums->find(def_.enum_name) == context_.enums->end()) {
        problems_.add(at("type"),
                      "there is no enum " + quoted(def_.enum_name) + ": declare it under [enum]",
                      def_.enum_name, *context_.enum_names);
      }
    } else if (!def_.enum_name.empty()) {
      note("type", "only enum fields name an enum; this one is " + type());
    }
    if (def_.type == FieldType::kBits) {
      if (def_.bit_count < 1 || def_.bit_count > 64) {
        note("type", "a bit set has 1 to 64 bits, not " + std::to_string(def_.bit_count) +
                         ": write for example \"bits:12\"");
      }
    } else if (def_.bit_count != 0) {
      note("type", "only bit sets have a bit count; this field is " + type());
    }
    check_length();
  }

  void check_length() {
    if (!is_text(def_.type)) {
      if (def_.bytes_max != 0) {
        note("max", "only str and bytes have a greatest length; this field is " + type());
      }
    } else if (def_.bytes_max == 0) {
      note("max", "a " + type() + " field needs its greatest length in bytes: add max = 24, say");
    } else if (def_.bytes_max > kTextBytesMax) {
      note("max", "max = " + std::to_string(def_.bytes_max) + " is more than the limit of " +
                      std::to_string(kTextBytesMax) + " bytes");
    }
  }

  void check_quantise() {
    const Quantise& q = def_.quantise;
    const bool precise = q.kind == QuantiseKind::kPrecision;
    const bool ranged = q.kind == QuantiseKind::kRange;
    switch (q.kind) {
      case QuantiseKind::kNone:
        break;
      case QuantiseKind::kPrecision:
        check_precision();
        break;
      case QuantiseKind::kRange:
        check_range();
        break;
      case QuantiseKind::kQuat:
        check_quaternion();
        break;
      default:
        note("precision", "unknown kind of quantisation");
        return;
    }
    if ((!precise && q.precision != 0) || (!ranged && (q.min != 0 || q.max != 0)) ||
        (!ranged && q.kind != QuantiseKind::kQuat && q.bits != 0)) {
      note("precision", "quantisation is by precision, or by min, max and bits: not by a mixture");
    }
  }

  void check_precision() {
    const double p = def_.quantise.precision;
    if (!is_scalar_float(def_.type)) {
      note("precision", "precision fits f32, f64, vec2f and vec3f, not " + type() + ": remove it");
    } else if (!(p >= kPrecisionMin && p <= kPrecisionMax)) {
      note("precision", "precision " + number_text(p) + " is not a number from " +
                            number_text(kPrecisionMin) + " to " + number_text(kPrecisionMax));
    }
  }

  void check_range() {
    const Quantise& q = def_.quantise;
    if (!is_scalar_float(def_.type)) {
      note("bits",
           "min, max and bits fit f32, f64, vec2f and vec3f, not " + type() + ": remove them");
      return;
    }
    if (q.bits < 1 || q.bits > 32) {
      note("bits", "bits = " + std::to_string(q.bits) + ": a range takes 1 to 32 bits");
    }
    if (!(q.min < q.max)) {
      note("max", "max " + number_text(q.max) + " must be more than min " + number_text(q.min));
      return;
    }
    const double limit = range_limit(def_.type);
    if (!(q.min >= -limit && q.max <= limit)) {
      note("max", "min and max of a " + type() + " field must be within " + number_text(-limit) +
                      " to " + number_text(limit));
    }
  }

  void check_quaternion() {
    if (def_.type != FieldType::kQuatf) {
      note("bits", "bits alone fit quatf, not " + type() + "; floats take min, max and bits");
    } else if (def_.quantise.bits < 2 || def_.quantise.bits > 16) {
      note("bits", "bits = " + std::to_string(def_.quantise.bits) +
                       ": a quatf takes 2 to 16 bits for each component");
    }
  }

  bool merge_fits(std::string_view merge) const {
    const bool quantised = is_scalar_float(def_.type) && def_.quantise.kind != QuantiseKind::kNone;
    if (merge == "sum" || merge == "min" || merge == "max") {
      return is_integer(def_.type) || quantised;
    }
    if (merge == "union") return def_.type == FieldType::kBits;
    if (merge == "append") return is_text(def_.type);
    return true;  // a custom function, registered later under this name
  }

  static const char* merge_types(std::string_view merge) {
    if (merge == "union") return "bit sets";
    if (merge == "append") return "str and bytes";
    return "integers and quantised floats";
  }

  void check_policy() {
    if (def_.policy != Policy::kServer && def_.policy != Policy::kLww &&
        def_.policy != Policy::kMerge) {
      note("policy", "unknown policy: use \"server\", \"lww\" or \"merge:<name>\"");
      return;
    }
    if (def_.policy != Policy::kMerge) {
      if (!def_.merge_name.empty()) note("policy", "only the merge policy names a function");
    } else if (!is_schema_name(def_.merge_name)) {
      check_name(def_.merge_name, "merge function", at("policy"), problems_);
    } else if (!merge_fits(def_.merge_name)) {
      note("policy", "merge:" + def_.merge_name + " fits " + merge_types(def_.merge_name) +
                         ", not this " + type() + " field");
    }
    if (def_.server_only && def_.policy != Policy::kServer) {
      note("policy", "clients never see a server_only field, so its policy must be \"server\"");
    }
  }

  /// The rules of the list are checked with those of the table.
  void check_write() {
    if (def_.write.empty()) return;
    if (context_.in_event) {
      note("write", "clients write no fields of events: give the event the write list");
    } else if (def_.server_only) {
      note("write", "clients never see a server_only field, so they do not write it: remove write");
    } else if (!context_.table_has_write) {
      note("write",
           "the table has no write list, so nobody may write the field: give the table one, or "
           "remove this");
    }
  }

  void check_event_field() {
    if (def_.server_only)
      note("server_only", "every field of an event is sent: remove server_only");
    if (def_.policy != Policy::kServer) {
      note("policy", "nothing is merged into an event: remove the policy");
    }
  }

  void check_default() {
    if (!def_.default_value) return;
    const Value& value = *def_.default_value;
    if (def_.type == FieldType::kEntity) {
      note("default", "an entity field starts as none: remove the default");
    } else if (has_nan(value)) {
      note("default", "the default is not a number");
    } else if (is_text(def_.type)) {
      if (def_.bytes_max == 0) return;
      if (auto text = to_text(def_, value); !text.ok()) note("default", text.error().context);
    } else if (quantise_is_usable()) {
      FieldDef resolved = def_;
      const auto found = context_.enums->find(def_.enum_name);
      if (found != context_.enums->end()) {
        resolved.enum_size = static_cast<uint16_t>(found->second->values.size());
      }
      if (auto lanes = to_lanes(resolved, value); !lanes.ok())
        note("default", lanes.error().context);
    }
  }

  /// Whether a default can be checked: only if what it is checked against was in order.
  bool quantise_is_usable() const {
    const Quantise& q = def_.quantise;
    switch (q.kind) {
      case QuantiseKind::kNone:
        break;
      case QuantiseKind::kPrecision:
        return is_scalar_float(def_.type) && q.precision > 0;
      case QuantiseKind::kRange:
        return is_scalar_float(def_.type) && q.bits >= 1 && q.bits <= 32 && q.min < q.max &&
               q.min >= -range_limit(def_.type) && q.max <= range_limit(def_.type);
      case QuantiseKind::kQuat:
        return def_.type == FieldType::kQuatf && q.bits >= 2 && q.bits <= 16;
    }
    return def_.type != FieldType::kBits || (def_.bit_count >= 1 && def_.bit_count <= 64);
  }

  static bool has_nan(const Value& value) {
    if (const auto* v = std::get_if<double>(&value)) return std::isnan(*v);
    if (const auto* v = std::get_if<Vec2f>(&value)) return std::isnan(v->x) || std::isnan(v->y);
    if (const auto* v = std::get_if<Vec3f>(&value)) {
      return std::isnan(v->x) || std::isnan(v->y) || std::isnan(v->z);
    }
    if (const auto* v = std::get_if<Quatf>(&value)) {
      return std::isnan(v->x) || std::isnan(v->y) || std::isnan(v->z) || std::isnan(v->w);
    }
    return false;
  }

  const FieldDef& def_;
  const SchemaPlace& place_;
  const FieldContext& context_;
  ProblemList& problems_;
};

/// A legal name made of an illegal one, or empty.
std::string legal_name(std::string_view name) {
  std::string out;
  for (const char c : name.substr(0, kNameBytesMax)) {
    if (c >= 'A' && c <= 'Z') {
      out += static_cast<char>(c - 'A' + 'a');
    } else {
      out += c == '-' || c == ' ' || c == '.' ? '_' : c;
    }
  }
  return is_schema_name(out) ? out : std::string();
}

}  // namespace

bool type_is_known(FieldType type) { return type >= FieldType::kBool && type <= FieldType::kBytes; }

void check_field(const FieldDef& def, const SchemaPlace& place, const FieldContext& context,
                 ProblemList& problems) {
  FieldCheck(def, place, context, problems).run();
}

SchemaPlace at_attribute(SchemaPlace place, std::string attribute) {
  place.attribute = std::move(attribute);
  return place;
}

void check_name(std::string_view name, const char* what, SchemaPlace place, ProblemList& problems) {
  if (is_schema_name(name)) return;
  std::string message =
      name.empty() ? "the " + std::string(what) + " has no name"
                   : "the " + std::string(what) + " name " + quoted(name) + " is not legal";
  message += ": names are a lower-case letter, then lower-case letters, digits and _, at most " +
             std::to_string(kNameBytesMax);
  problems.add_with_suggestion(std::move(place), std::move(message), legal_name(name));
}

std::string quoted(std::string_view name) {
  std::string out = json_quote(name.substr(0, kNameBytesMax));
  if (name.size() > kNameBytesMax) out.insert(out.size() - 1, "...");
  return out;
}

}  // namespace ecsdb
