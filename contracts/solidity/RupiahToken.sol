// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Guarded} from "./Guarded.sol";
import {Registry} from "./Registry.sol";

/// @title A test token in whole rupiah. Paying with crypto is prohibited in Indonesia: it only exists in simulations.
contract RupiahToken is ERC20, Guarded {
    /// @param registry The registry of roles.
    constructor(Registry registry) ERC20("Test rupiah", "TIDR") Guarded(registry) {}

    /// @notice Whole rupiah.
    function decimals() public pure override returns (uint8) {
        return 0;
    }

    /// @notice Give an account test money.
    function mint(address to, uint256 amount) external only(REGISTRY.ISSUER()) {
        _mint(to, amount);
    }
}
