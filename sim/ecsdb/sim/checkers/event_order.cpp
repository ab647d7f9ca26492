#include "ecsdb/sim/checkers/event_order.h"

#include <utility>

namespace ecsdb::sim {
namespace {

uint64_t serial_of(const std::vector<Value>& values) {
  const auto* serial = values.empty() ? nullptr : std::get_if<uint64_t>(&values.front());
  return serial == nullptr ? 0 : *serial;
}

}  // namespace

void EventBook::emit(uint16_t event, EntityId entity, bool is_for_everyone) {
  if (is_for_everyone) ++news_;
  entries_.push_back({event, entity, Version{}, news_});
}

void EventBook::commit(Version version) {
  for (; committed_ < entries_.size(); ++committed_) entries_[committed_].version = version;
}

/// Serials of dropped ones are given out again: nobody has seen them.
void EventBook::drop() {
  entries_.resize(committed_);
  news_ = entries_.empty() ? 0 : entries_.back().news;
}

const EventBook::Entry* EventBook::find(uint64_t serial) const {
  return serial == 0 || serial > committed_ ? nullptr : &entries_[serial - 1];
}

void EventOrder::report(Instant at, std::string where, std::string expected, std::string got) {
  violations_.add(
      {"event_order", at, client_, std::move(where), std::move(expected), std::move(got)});
}

void EventOrder::on_event(const EventBook& book, LinkId link, const Event& event, Version cut,
                          uint64_t missed, Instant at) {
  ++told_;
  const uint64_t serial = serial_of(event.values);
  const std::string where = "event " + std::to_string(serial);
  const EventBook::Entry* entry = book.find(serial);
  if (entry == nullptr || entry->event != event.event || entry->entity != event.entity ||
      entry->version != event.version) {
    return report(at, where, "as it was emitted",
                  entry == nullptr ? "never emitted" : "another kind, entity or version");
  }
  if (serial <= last_serial_) {
    report(at, where, "once, after event " + std::to_string(last_serial_), "again, or too late");
  }
  last_serial_ = serial;
  if (event.version <= cut_before_ || event.version > cut) {
    report(at, where, "with the advance that has version " + std::to_string(event.version.value),
           "in the step from " + std::to_string(cut_before_.value) + " to " +
               std::to_string(cut.value));
  }
  const bool is_news =
      entry->news > 0 && (serial == 1 || book.find(serial - 1)->news < entry->news);
  if (is_news) check_news(*entry, link, missed, at);
}

/// Who is live over one link is told all of them, or how many it has missed.
void EventOrder::check_news(const EventBook::Entry& entry, LinkId link, uint64_t missed,
                            Instant at) {
  const uint64_t lost = entry.news - std::exchange(news_, entry.news) - 1;
  const uint64_t counted = missed - std::exchange(missed_, missed);
  if (std::exchange(news_link_, link) != link || lost <= counted) return;
  report(at, "news", std::to_string(lost) + " lost, and so many counted", std::to_string(counted));
}

void ClientEventOrder::on_event(const ClientMessage& message, Instant at) {
  ++count_;
  const uint64_t serial = serial_of(message.values);
  uint64_t& last = last_[message.client];
  if (serial <= last) {
    violations_.add({"event_order", at, -1, "client id " + std::to_string(message.client.value),
                     "events in order, each once: above " + std::to_string(last),
                     std::to_string(serial)});
  }
  last = serial;
}

}  // namespace ecsdb::sim
