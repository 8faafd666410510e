// Reads one load sample a line, ten a second; prints "occupied motion breathing" after every minute.
#include <cstdio>
#include <cstdlib>

#include "bed_monitor.h"

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  smartloop::BedMonitor monitor(std::strtof(argv[1], nullptr), std::strtof(argv[2], nullptr));
  float load;
  for (unsigned n = 1; std::scanf("%f", &load) == 1; n++) {
    monitor.add(load);
    if (n % (60 * smartloop::BedMonitor::RATE_HZ) == 0)
      std::printf("%d %.4f %.3f %.3f\n", monitor.occupied(), monitor.take_motion(), monitor.breathing(), monitor.empty());
  }
  return 0;
}
