// Sleeve of an inhaler: a C-shaped clip around the plastic actuator with a pod on its back. It holds by its own
// spring, leaves the canister's top, the mouthpiece, the air inlets beside the canister and the dose counter's
// window free, and comes off without a tool. Measure YOUR actuator: they differ.
use <../common/box.scad>
part = "all"; // [all, sleeve, lid, magnet]
body = [31, 26]; // width and depth of the actuator's upper part
height = 30; // of the clip
opening = 18; // of the C, over the dose counter
thickness = 1.8;
magnet_diameter = 4;
wall = 2;
$fn = 48;

pod = [46, 24, 13]; // XIAO, motion and pressure sensor; the cell lies under them

module outline(grow) {
  offset(r = grow) translate([-body[0] / 2 + 5, -body[1] / 2 + 5]) offset(r = 5) square([body[0] - 10, body[1] - 10]);
}

// As it is printed: upside down, front towards -y. The pod ends level with the clip's upper edge, so that the
// finger reaches the canister, and hangs down behind the actuator.
module sleeve() {
  difference() {
    union() {
      linear_extrude(height) outline(thickness);
      translate([-pod[1] / 2 - wall, body[1] / 2 + wall, 0])
        cube([pod[1] + 2 * wall, pod[2] + thickness, pod[0] + 2 * wall]);
      translate([-8, body[1] / 2 - 0.5, 0]) cube([16, wall + 2, height]);
    }
    translate([0, 0, -1]) linear_extrude(height + 60) outline(0.15);
    // The C's mouth: dose counter and labels.
    translate([-opening / 2, -body[1], -1]) cube([opening, body[1], height + 2]);
    // The pod's inside, open to the back.
    translate([-pod[1] / 2, body[1] / 2 + wall + thickness, wall]) cube([pod[1], pod[2] + 10, pod[0]]);
    // At the lower end, above in this drawing: USB, and the pressure hose beside it.
    translate([-5, body[1] / 2 + wall + thickness + 4, pod[0] + wall - 1]) cube([10, 4, 2 * wall]);
    translate([9, body[1] / 2 + wall + thickness + 6, pod[0] + wall - 1]) cylinder(d = 3.2, h = 2 * wall, $fn = 32);
  }
}

module cover() {
  union() {
    translate([-wall, -wall, 0]) cube([pod[1] + 2 * wall, pod[0] + 2 * wall, 1.6]);
    difference() {
      translate([0.2, 0.2, 1.5]) cube([pod[1] - 0.4, pod[0] - 0.4, 3]);
      translate([1.6, 1.6, 1.5]) cube([pod[1] - 3.2, pod[0] - 3.2, 4]);
    }
  }
}

// Glued onto the cap's outside: carries the magnet that opens the reed contact.
module magnet() {
  difference() {
    rounded([magnet_diameter + 5, magnet_diameter + 5, 4], 2);
    translate([(magnet_diameter + 5) / 2, (magnet_diameter + 5) / 2, 1]) cylinder(d = magnet_diameter + 0.2, h = 4, $fn = 48);
  }
}

if (part == "sleeve" || part == "all") sleeve();
if (part == "lid") cover();
if (part == "magnet") magnet();
if (part == "all") {
  translate([34, -10, 0]) cover();
  translate([34, -26, 0]) magnet();
}
