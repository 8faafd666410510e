// bthome KEY MAC COUNTER TRIGGER (ID SIZE PER_UNIT SIGNED VALUE)...: prints the advert in hexadecimal.
#include <cstdio>
#include <cstdlib>

#include "bthome_packet.h"
#include "esphome/components/ble_device_base/ble_aes_ccm.h"

static void hex(const char *text, uint8_t *out, int length) {
  for (int i = 0; i < length; i++)
    std::sscanf(text + 2 * i, "%2hhx", out + i);
}

int main(int argc, char **argv) {
  if (argc < 5 || argc % 5 != 0)
    return 2;
  uint8_t key[16], mac[6], out[smartloop::bthome::ADVERT_MAX];
  hex(argv[1], key, 16);
  hex(argv[2], mac, 6);
  smartloop::bthome::Packet packet(std::atoi(argv[4]) != 0);
  for (int i = 5; i < argc; i += 5) {
    const smartloop::bthome::Type type{static_cast<uint8_t>(std::atoi(argv[i])), static_cast<uint8_t>(std::atoi(argv[i + 1])),
                                       std::strtof(argv[i + 2], nullptr), std::atoi(argv[i + 3]) != 0};
    if (!packet.add(type, std::strtof(argv[i + 4], nullptr)))
      std::fprintf(stderr, "left out %s\n", argv[i]);
  }
  const size_t length = packet.seal(key, mac, static_cast<uint32_t>(std::strtoul(argv[3], nullptr, 10)),
                                    esphome::ble_device_base::aes128_encrypt_block, out);
  for (size_t i = 0; i < length; i++)
    std::printf("%02x", out[i]);
  return 0;
}
