// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC2981} from "@openzeppelin/contracts/token/common/ERC2981.sol";
import {Guarded} from "./Guarded.sol";
import {Registry} from "./Registry.sol";

/// @title Tourism NFTs: sold once by their maker, a share of the price for conservation, royalties after that.
contract TourismNFT is ERC721, ERC2981, Guarded {
    using SafeERC20 for IERC20;

    /// @notice What is offered, by whom, for how much, and the SHA-256 of its document.
    struct Offer {
        address maker;
        uint96 price;
        bytes32 documentSha256;
    }

    IERC20 public immutable RUPIAH;
    address public immutable CONSERVATION;
    /// @notice Shares of a sale in 1/10000: for conservation of the first, for the maker of later ones.
    uint96 public immutable CONSERVATION_BP;
    uint96 public immutable ROYALTY_BP;
    mapping(uint256 id => Offer) public offer;

    error TourismOffer(uint256 id);
    error TourismShares();

    event Offered(uint256 indexed id, address indexed maker, uint256 price);
    event Sold(uint256 indexed id, address indexed buyer, uint256 price, uint256 conservation);

    /// @param registry Roles. @param rupiah Paid in. @param conservation Who gets the share. @param shares Both shares.
    constructor(Registry registry, IERC20 rupiah, address conservation, uint96[2] memory shares)
        ERC721("Wisata Trenggalek", "WISATA")
        Guarded(registry)
    {
        if (shares[0] > 10_000 || shares[1] > 10_000) revert TourismShares();
        (RUPIAH, CONSERVATION, CONSERVATION_BP, ROYALTY_BP) = (rupiah, conservation, shares[0], shares[1]);
    }

    /// @notice Offer a new NFT; the operator curates what is offered.
    function list(uint256 id, Offer calldata o) external only(REGISTRY.OPERATOR()) {
        if (offer[id].maker != address(0) || o.maker == address(0) || o.price == 0) revert TourismOffer(id);
        offer[id] = o;
        emit Offered(id, o.maker, o.price);
    }

    /// @notice Buy what is offered, for at most `highest`.
    function buy(uint256 id, uint256 highest) external running {
        Offer memory o = offer[id];
        if (o.maker == address(0) || _ownerOf(id) != address(0) || o.price > highest) revert TourismOffer(id);
        uint256 share = uint256(o.price) * CONSERVATION_BP / 10_000;
        _setTokenRoyalty(id, o.maker, ROYALTY_BP);
        emit Sold(id, msg.sender, o.price, share);
        _mint(msg.sender, id);
        RUPIAH.safeTransferFrom(msg.sender, CONSERVATION, share);
        RUPIAH.safeTransferFrom(msg.sender, o.maker, o.price - share);
    }

    /// @inheritdoc ERC721
    function supportsInterface(bytes4 i) public view override(ERC721, ERC2981) returns (bool) {
        return super.supportsInterface(i);
    }
}
