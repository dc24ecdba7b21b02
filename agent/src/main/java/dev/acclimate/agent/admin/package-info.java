/**
 * Administration of served models over HTTP: state, snapshots, mode, method, and a page to see it
 * on.
 */
@NullMarked
package dev.acclimate.agent.admin;

import org.jspecify.annotations.NullMarked;
