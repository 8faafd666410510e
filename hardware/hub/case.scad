// For the hub: a case of the Bluetooth proxy (ESP32 development board) and a holder that keeps the Zigbee stick
// away from the hub, upright on a shelf or screwed to a wall.
use <../common/box.scad>
part = "all"; // [all, base, lid, holder]
board = [55, 28.5]; // ESP32-DevKitC V4; NodeMCU-32S 49 x 26
stick = [18.5, 9.5]; // width and thickness of the stick
wall = 2;
$fn = 48;

inside = [board[0] + 2, board[1] + 1, 16];

module base() {
  difference() {
    union() {
      box(inside);
      for (x = [4, inside[0] - 7], y = [-0.5, inside[1] - 1.5]) translate([x, y, -0.5]) cube([3, 2, 4.5]);
    }
    // USB-C or micro USB, with its plug's collar.
    translate([-2 * wall, inside[1] / 2 - 6.5, 3]) cube([4 * wall, 13, 8]);
    translate([12, 0, 4]) slots(inside[0] - 20, 6);
    translate([12, inside[1], 4]) slots(inside[0] - 20, 6);
    keyhole(inside[0] / 2, inside[1] / 2 - 4);
  }
}

module cover() {
  difference() {
    lid(inside);
    for (i = [0 : 4]) translate([14 + i * 6, 8, -5]) cube([2, inside[1] - 16, 12]);
  }
}

module holder() {
  difference() {
    union() {
      rounded([50, 40, 3], 4);
      translate([25 - stick[0] / 2 - 3, 20 - stick[1] / 2 - 3, 0]) rounded([stick[0] + 6, stick[1] + 6, 34], 2);
    }
    translate([25 - stick[0] / 2, 20 - stick[1] / 2, 12]) cube([stick[0], stick[1], 40]);
    // The extension cable's plug comes from below, through the side.
    translate([25 - 9, 20 - 5, 3]) cube([18, 40, 14]);
    for (x = [7, 43]) translate([x, 20, -1]) cylinder(d = 4.5, h = 6, $fn = 32);
  }
}

if (part == "base" || part == "all") base();
if (part == "lid") cover();
if (part == "holder") holder();
if (part == "all") {
  translate([0, inside[1] + 12, 0]) cover();
  translate([inside[0] + 14, 0, 0]) holder();
}
