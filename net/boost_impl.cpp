// The compiled half of Asio and Beast: every other file sees declarations only, which keeps their
// compile times down.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
