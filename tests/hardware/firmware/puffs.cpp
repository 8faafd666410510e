// Reads a trace from standard input and prints one JSON object per puff.
// Lines: "m t x y z" (g), "f t lpm", "c t 0|1" (cap off), "p t" (actuation switch), "has switch|flow".
#include <cstdio>
#include <cstring>

#include "puff_detector.h"

int main() {
  smartloop::PuffDetector detector;
  char line[200];
  unsigned t = 0;
  float x, y, z;
  while (std::fgets(line, sizeof line, stdin)) {
    int off;
    if (std::sscanf(line, "m %u %f %f %f", &t, &x, &y, &z) == 4)
      detector.motion(t, x, y, z);
    else if (std::sscanf(line, "f %u %f", &t, &x) == 2)
      detector.flow(t, x);
    else if (std::sscanf(line, "c %u %d", &t, &off) == 2)
      detector.cap(off != 0);
    else if (std::sscanf(line, "p %u", &t) == 1)
      detector.pressed(t);
    else if (std::strncmp(line, "has switch", 10) == 0)
      detector.set_has_switch(true);
    else if (std::strncmp(line, "has flow", 8) == 0)
      detector.set_has_flow(true);
    else
      return 2;
    smartloop::Puff puff;
    if (detector.take(t, puff)) {
      std::printf("{\"at_ms\": %u, \"shake_s\": %.2f, \"tilt_deg\": %.2f, \"test\": %s, \"samples\": %u, \"peak\": ", puff.at_ms,
                  puff.shake_s, puff.tilt_deg, puff.test ? "true" : "false", puff.samples);
      if (std::isnan(puff.peak_flow_lpm))
        std::printf("null");
      else
        std::printf("%.2f", puff.peak_flow_lpm);
      std::printf("}\n");
    }
  }
  return 0;
}
