// The firmware's device, driven line by line: a command with its time comes in, hexadecimal goes out, "." ends it.
#include <algorithm>
#include <cstdio>
#include <deque>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "device.h"
#include "esphome/components/ble_device_base/ble_aes_ccm.h"

using namespace smartloop::ble;

static std::deque<std::vector<uint8_t>> numbers;

static void not_random(uint8_t *out, size_t size) {
  for (auto it = numbers.begin(); it != numbers.end(); ++it) {
    if (it->size() == size) {
      std::copy(it->begin(), it->end(), out);
      numbers.erase(it);
      return;
    }
  }
  std::fill(out, out + size, 0x5A);
}

static std::vector<uint8_t> bytes(const std::string &hex) {
  std::vector<uint8_t> out;
  for (size_t i = 0; hex != "-" && i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return out;
}

static void say(const uint8_t *data, size_t size) {
  for (size_t i = 0; i < size; i++)
    std::printf("%02x", data[i]);
  std::printf("\n");
}

// Flash: what was saved, and nothing else, is there after a restart.
struct Flash : Store, Link {
  Memory memory;
  std::vector<Event> ring;
  void save(const Memory &now) override { this->memory = now; }
  void save(size_t place, const Event &event) override { this->ring.at(place) = event; }
  void notify(const uint8_t *data, size_t size) override { say(data, size); }
};

struct Board {
  Identity identity;
  Flash flash;
  Memory ram_memory;
  std::vector<Event> ram_ring;
  std::unique_ptr<Device> device;

  void start(Cause cause) {
    this->ram_memory = this->flash.memory;
    this->ram_ring = this->flash.ring;
    this->device = std::make_unique<Device>(this->identity, this->ram_memory, this->ram_ring.data(),
                                            this->ram_ring.size(), esphome::ble_device_base::aes128_encrypt_block,
                                            not_random, this->flash);
    this->device->begin(cause, 0);
    this->device->set_battery(100, 3000);
  }
};

static float number(std::istringstream &line) {
  std::string text;
  line >> text;
  return text == "nan" ? NAN : std::stof(text);
}

int main() {
  Board board;
  std::string text;
  while (std::getline(std::cin, text)) {
    std::istringstream line(text);
    std::string command, hex;
    uint64_t now = 0;
    line >> command >> now;
    if (command == "new") {
      int kind = 0;
      size_t capacity = 0;
      std::string address, key;
      uint32_t counter = 0;
      line >> kind >> address >> key >> capacity >> counter;
      board.identity.kind = static_cast<Kind>(kind);
      std::copy_n(bytes(address).begin(), 6, board.identity.address.begin());
      std::copy_n(bytes(address).begin(), 6, board.identity.serial.begin() + 2);
      board.identity.firmware = {1, 0, 0};
      board.flash.ring.resize(capacity);
      board.flash.memory.reserved = counter;
      if (key != "-") {
        std::copy_n(bytes(key).begin(), 16, board.flash.memory.key.begin());
        board.flash.memory.has_key = true;
      }
      board.start(Cause::POWER);
    } else if (command == "reboot") {
      int cause = 0;
      line >> cause;
      board.device->note_ticks(now);
      board.start(static_cast<Cause>(cause));
    } else if (command == "puff") {
      PuffFigures puff;
      int test = 0;
      line >> test;
      puff.test = test != 0;
      puff.shake_s = number(line);
      puff.tilt_deg = number(line);
      puff.peak_flow_lpm = number(line);
      puff.envelope_step_s = number(line);
      line >> puff.samples;
      for (size_t i = 0; i < puff.samples && i < MAX_ENVELOPE; i++)
        puff.envelope[i] = number(line);
      board.device->puff(puff, now);
    } else if (command == "epoch") {
      EpochFigures epoch;
      line >> epoch.occupied;
      epoch.duration_s = number(line);
      epoch.heart_rate = number(line);
      epoch.respiratory_rate = number(line);
      epoch.motion = number(line);
      epoch.quality = number(line);
      board.device->epoch(epoch, now);
    } else if (command == "battery") {
      int percent = 0;
      line >> percent;
      board.device->set_battery(percent, 3000);
    } else if (command == "random") {
      line >> hex;
      numbers.push_back(bytes(hex));
    } else if (command == "button") {
      board.device->hold_button(now);
    } else if (command == "advert") {
      uint8_t out[ADVERT_SIZE];
      board.device->advert(now, out);
      say(out, sizeof(out));
    } else if (command == "info") {
      uint8_t out[INFO_SIZE];
      board.device->info(now, out);
      say(out, sizeof(out));
    } else if (command == "connect") {
      size_t mtu = 0;
      line >> mtu;
      board.device->connect(mtu, &board.flash);
    } else if (command == "disconnect") {
      board.device->disconnect();
    } else if (command == "write") {
      line >> hex;
      // A heap copy of just this size, so that the sanitizer sees a byte too far.
      const std::vector<uint8_t> data = bytes(hex);
      board.device->write(data.data(), data.size(), now);
    } else if (command == "memory") {
      const Memory &memory = board.device->memory();
      std::printf("%s\n%u\n%d\n%u\n", memory.has_key ? "key" : "none", memory.next_id - 1,
                  board.device->identifying(now), board.device->counter());
      say(memory.key.data(), memory.key.size());
    } else if (command == "public" || command == "shared" || command == "cmac") {
      std::string other;
      uint8_t out[32] = {};
      line >> hex >> other;
      const auto one = bytes(hex), two = bytes(other);
      if (command == "public")
        x25519_public(one.data(), out);
      else if (command == "shared" && !x25519_shared(one.data(), two.data(), out))
        std::printf("zeros\n");
      else if (command == "cmac")
        Crypto(esphome::ble_device_base::aes128_encrypt_block).cmac(one.data(), two.data(), two.size(), out);
      say(out, command == "cmac" ? 16 : 32);
    }
    std::printf(".\n");
    std::fflush(stdout);
  }
}
