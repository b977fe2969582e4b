/** Puts the globals in place: to be imported before the plugin. */

import { install } from "./globals.js";

install();
